/** Prints how programs are attached on the running kernel: `xdp link`. Attaches to what it makes and leaves. */

import {execFileSync} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

import {attachCgroup, attachTcx, attachXdp, loadCollection, readObject} from '../../src/index.js';
import type {Link, Program} from '../../src/index.js';

const device = 'skep-second';
const cgroup = `/sys/fs/cgroup/${device}`;

async function load(object: string, program: string): Promise<Program> {
	const path = fileURLToPath(new URL(`../../bpf/${object}.bpf.o`, import.meta.url));
	return loadCollection(await readObject(path), {programs: [program]}).program(program);
}

execFileSync('ip', ['link', 'add', device, 'type', 'veth']);
mkdirSync(cgroup);
const links: Record<string, Link> = {
	xdp: attachXdp(await load('xdp_count', 'xdp_count'), device),
	tc: attachTcx(await load('tc_track', 'track_ingress'), device, {direction: 'ingress'}),
	cgroup: attachCgroup(await load('sock_connections', 'sock_connections'), cgroup),
};
for (const [hook, {mechanism}] of Object.entries(links)) console.log(`${hook} ${mechanism}`);
process.exit(0);
