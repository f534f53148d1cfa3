import {fileURLToPath} from 'node:url';

/** Path of one of skep's own compiled programs. */
export function objectPath(name: string): string {
	return fileURLToPath(new URL(`../bpf/${name}.bpf.o`, import.meta.url));
}
