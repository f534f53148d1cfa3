/**
 * Loads one object by libbpf, then by skep, and prints how they compare. Started in network and
 * mount namespaces of its own: what it mounts, pins and loads goes with it, however it ends.
 */

import {execFileSync} from 'node:child_process';

import {loadByLibbpf} from './load-libbpf.js';
import {loadBySkep, readSections} from './load-skep.js';
import {compare, type Outcome} from './outcome.js';

const folder = '/sys/fs/bpf';

async function inBpffs(load: () => Promise<Outcome>): Promise<Outcome> {
	execFileSync('mount', ['-t', 'bpf', 'skep', folder]);
	try {
		return await load();
	} finally {
		execFileSync('umount', [folder]);
	}
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new TypeError('usage: child.js OBJECT');
const libbpf = await inBpffs(async () => loadByLibbpf(file, folder));
const skep = await inBpffs(async () => loadBySkep(file, folder));
process.stdout.write(JSON.stringify(compare(libbpf, skep, await readSections(file))));
