import {readFileSync} from 'node:fs';

/** CPUs that run now, ascending. */
export function onlineCpus(): number[] {
	return parseCpus(readFileSync('/sys/devices/system/cpu/online', 'utf8'));
}

/** The CPUs of a list as the kernel writes it: `0-3,8`. */
export function parseCpus(text: string): number[] {
	return text
		.trim()
		.split(',')
		.filter(range => range !== '')
		.flatMap(range => {
			const [first = NaN, last = first] = range.split('-').map(Number);
			return Array.from({length: last - first + 1}, (_, i) => first + i);
		});
}
