/**
 * Loads objects by libbpf, then by skep, and prints a line of JSON for each: how they compare. Runs
 * in network and mount namespaces of its own, so that what it mounts, pins and loads goes with it,
 * however it ends.
 */

import {execFileSync} from 'node:child_process';

import {loadBySkep, sectionsOfSkep} from './load-skep.js';
import {compare, type Outcome} from './outcome.js';
import {loadByLibbpf, sectionsOfLibbpf} from './peer.js';

const folder = '/sys/fs/bpf';

async function inBpffs(load: () => Promise<Outcome>): Promise<Outcome> {
	execFileSync('mount', ['-t', 'bpf', 'skep', folder]);
	try {
		return await load();
	} finally {
		execFileSync('umount', [folder]);
	}
}

for (const file of process.argv.slice(2)) {
	const libbpf = await inBpffs(async () => loadByLibbpf(file, folder));
	const skep = await inBpffs(async () => loadBySkep(file, folder));
	const sections = {libbpf: await sectionsOfLibbpf(file), skep: await sectionsOfSkep(file)};
	// Neither says anything of the sections of an object that it cannot read.
	const both = sections.libbpf.length > 0 && sections.skep.length > 0;
	const readings = both ? sections : {libbpf: [], skep: []};
	process.stdout.write(`${JSON.stringify(compare(libbpf, skep, readings))}\n`);
}
