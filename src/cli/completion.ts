/** `skep completion`: the script that teaches a shell to complete skep's words. */

import {Argument, type Command} from 'commander';

import {addWords} from './completion/words.js';
import {shellScript, shells, type Shell} from './completion/scripts.js';
import {write} from './output/print.js';

export function addCompletion(noun: Command): void {
	noun.addArgument(new Argument('<shell>', 'which shell').choices(shells))
		.addHelpText('after', help)
		.action((shell: Shell) => {
			write(shellScript(shell));
		});
	addWords(noun);
}

const help = `
Nouns, verbs, options and what they take are completed: ids and pins of
programs, maps and links, interfaces, features, files. As long as a shell runs:

Example:
  source <(skep completion bash)
  source <(skep completion zsh)
  skep completion fish | source

To keep it, write it to one of:
  /usr/share/bash-completion/completions/skep
  /usr/local/share/zsh/site-functions/_skep
  ~/.config/fish/completions/skep.fish`;
