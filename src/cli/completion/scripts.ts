/** Shells whose completion asks skep itself, so that it never knows less than the commands. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

// Each asks with all words up to the cursor; a candidate a line, with its description after a tab.
// The first line is what the shell shall complete itself: files, folders or nothing.
const scripts: Readonly<Record<Shell, string>> = {
	bash: `# skep's words for bash.
_skep() {
	local line=\${COMP_LINE:0:COMP_POINT} cur done
	local -a words lines
	read -ra words <<<"$line"
	if [[ $line == *[[:space:]] ]]; then words+=(''); fi
	cur=\${words[-1]}
	# Bash takes colons and equal signs for the ends of words.
	done=\${cur%"\${cur##*[:=]}"}
	mapfile -t lines < <("\${words[0]}" completion words -- "\${words[@]:1}" 2>/dev/null)
	COMPREPLY=()
	case \${lines[0]-} in
	files) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null ;;
	folders) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames 2>/dev/null ;;
	esac
	for line in "\${lines[@]:1}"; do
		line=\${line%%$'\\t'*}
		COMPREPLY+=("\${line#"$done"}")
	done
}
complete -F _skep skep
`,
	zsh: `#compdef skep
# skep's words for zsh.
_skep() {
	local -a lines candidates
	local line
	lines=("\${(@f)$(\${words[1]} completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
	for line in "\${(@)lines[2,-1]}"; do
		[[ -n $line ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
	done
	(( $#candidates )) && _describe skep candidates
	case $lines[1] in
	files) _files ;;
	folders) _files -/ ;;
	esac
}
if [[ \${funcstack[1]} == _skep ]]; then _skep "$@"; else compdef _skep skep; fi
`,
	fish: `# skep's words for fish.
function __skep_words
	set -l tokens (commandline -opc)
	set -l lines ($tokens[1] completion words -- $tokens[2..-1] (commandline -ct) 2>/dev/null)
	switch "$lines[1]"
		case files
			__fish_complete_path (commandline -ct)
		case folders
			__fish_complete_directories (commandline -ct)
	end
	printf '%s\\n' $lines[2..-1]
end
complete -c skep -f -a '(__skep_words)'
`,
};

/** The script that a shell reads once. */
export function shellScript(shell: Shell): string {
	return scripts[shell];
}
