/** A small world of its own for the demo: two hosts, a cgroup, a bpf filesystem. */

import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';

import {cgroupRoot} from 'skep';

const run = promisify(execFile);
const prefix = 'skep-demo-';

export interface Host {
	readonly namespace: string;
	/** Path of the network namespace. */
	readonly netns: string;
	readonly device: string;
	readonly ipv4: string;
	readonly ipv6: string;
}

/** Two network namespaces joined by a veth pair. Everything is named after this process. */
export class World {
	readonly left: Host;
	readonly right: Host;
	readonly cgroup: string;
	readonly bpffs: string;
	private readonly undo: (() => unknown)[] = [];

	private constructor(pid: number) {
		const name = `${prefix}${pid}`;
		this.left = host(name, 'left', 1);
		this.right = host(name, 'right', 2);
		this.cgroup = join(cgroupRoot(), name);
		this.bpffs = `/run/${name}`;
	}

	static async create(): Promise<World> {
		await removeLeftovers();
		const world = new World(process.pid);
		try {
			await world.build();
		} catch (error) {
			await world.remove();
			throw error;
		}

		return world;
	}

	/** Takes everything down, whatever is there. */
	async remove(): Promise<void> {
		for (const step of this.undo.splice(0).reverse()) {
			try {
				await step();
			} catch {
				// Not made yet, or gone already.
			}
		}
	}

	private async build(): Promise<void> {
		for (const {namespace} of [this.left, this.right]) {
			this.undo.push(async () => run('ip', ['netns', 'delete', namespace]));
			await run('ip', ['netns', 'add', namespace]);
		}

		const [left, right] = [this.left, this.right];
		const pair = [left.device, 'netns', left.namespace, 'type', 'veth'];
		const peer = ['peer', 'name', right.device, 'netns', right.namespace];
		await run('ip', ['link', 'add', ...pair, ...peer]);
		for (const {namespace, device, ipv4, ipv6} of [left, right]) {
			const ip = async (...args: string[]) => run('ip', ['-n', namespace, ...args]);
			await ip('address', 'add', `${ipv4}/24`, 'dev', device);
			await ip('address', 'add', `${ipv6}/64`, 'dev', device, 'nodad');
			await ip('link', 'set', 'lo', 'up');
			await ip('link', 'set', device, 'up');
		}

		this.undo.push(() => {
			rmdirSync(this.cgroup);
		});
		mkdirSync(this.cgroup);
		this.undo.push(async () => {
			await run('umount', [this.bpffs]).catch(() => undefined);
			rmdirSync(this.bpffs);
		});
		mkdirSync(this.bpffs);
		await run('mount', ['-t', 'bpf', 'bpf', this.bpffs]);
	}
}

function host(name: string, side: 'left' | 'right', number: number): Host {
	const namespace = `${name}-${side}`;
	return {
		namespace,
		netns: `/run/netns/${namespace}`,
		device: `veth-${side}`,
		ipv4: `192.0.2.${number}`,
		ipv6: `2001:db8::${number}`,
	};
}

/** A folder for files, which the caller removes. */
export function makeFolder(): string {
	return mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
}

/** Removes what a demo that was killed left behind; those that still run keep theirs. */
async function removeLeftovers(): Promise<void> {
	for (const name of readdirSync(tmpdir()).filter(isLeftover)) {
		rmSync(join(tmpdir(), name), {recursive: true, force: true});
	}

	const {stdout} = await run('ip', ['netns', 'list']);
	for (const name of stdout.split('\n').map(line => line.split(' ')[0] ?? '')) {
		if (isLeftover(name)) await run('ip', ['netns', 'delete', name]);
	}

	for (const [directory, unmount] of [
		['/run', true],
		[cgroupRoot(), false],
	] as const) {
		for (const name of readdirSync(directory).filter(isLeftover)) {
			const path = join(directory, name);
			if (unmount) await run('umount', [path]).catch(() => undefined);
			rmdirSync(path);
		}
	}
}

function isLeftover(name: string): boolean {
	const pid = /^skep-demo-(\d+)/.exec(name)?.[1];
	if (pid === undefined) return false;
	try {
		process.kill(Number(pid), 0);
		return false;
	} catch {
		return true;
	}
}

/** Puts a process into a cgroup. */
export function joinCgroup(cgroup: string, pid: number): void {
	writeFileSync(join(cgroup, 'cgroup.procs'), String(pid));
}
