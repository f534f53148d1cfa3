/** One complaint of the compiler. */
export interface Diagnostic {
	readonly severity: 'error' | 'warning' | 'note';
	/** As clang prints it: relative to where it ran, or absolute. */
	readonly file?: string;
	readonly line?: number;
	readonly column?: number;
	readonly message: string;
	/** The flag that asked for a warning: `-Wunused-variable`. */
	readonly flag?: string;
}

const positioned =
	/^([^\n]{1,4096}?):(\d{1,9}):(?:(\d{1,9}):)? (fatal error|error|warning|note): (.*)$/;
const bare = /^(?:[\w.+-]{1,64}: )?(fatal error|error|warning|note): (.*)$/;

/** Reads clang's text; lines that only quote the source are left out. */
export function parseDiagnostics(text: string): Diagnostic[] {
	return text.split('\n').flatMap(line => {
		const match = positioned.exec(line);
		if (match !== null) {
			const [, file = '', row, column, severity, message = ''] = match;
			return [
				{
					...complaint(severity, message),
					file,
					line: Number(row),
					...(column === undefined ? {} : {column: Number(column)}),
				},
			];
		}

		const [, severity, message] = bare.exec(line) ?? [];
		return message === undefined ? [] : [complaint(severity, message)];
	});
}

function complaint(severity: string | undefined, text: string): Diagnostic {
	const flag = / \[(-W[\w=+-]+)\]$/.exec(text);
	return {
		severity: severity === 'warning' || severity === 'note' ? severity : 'error',
		message: flag === null ? text : text.slice(0, flag.index),
		...(flag?.[1] === undefined ? {} : {flag: flag[1]}),
	};
}

/** `x.bpf.c:12:5: use of undeclared identifier 'y'`. */
export function formatDiagnostic({file, line, column, message}: Diagnostic): string {
	const place = [file, line, column].filter(part => part !== undefined);
	return [...place, ` ${message}`].join(':').trimStart();
}

/** The files in a rule of make as `clang -MD` writes it, without the target. */
export function parseDependencies(text: string): string[] {
	const start = text.indexOf(':');
	const rule = text.slice(start + 1).replace(/\\\r?\n/g, ' ');
	const words = rule.match(/(?:\\[ #\\]|\$\$|[^\s])+/g) ?? [];
	return words.map(word => word.replace(/\\([ #])/g, '$1').replaceAll('$$', '$'));
}
