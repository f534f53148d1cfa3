import {existsSync, readdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {
	loadCollection,
	openLinkById,
	openMapById,
	openProgramById,
	readObject,
} from '../../src/index.js';
import type {Host, Lab} from '../../src/lab/index.js';
import {run, until} from './run.js';

/**
 * What a lab with all that a lab can have made, by the numbers that the kernel gave it. A pin would
 * keep its program, map or link.
 */
export interface LabTraces {
	readonly names: readonly string[];
	readonly cgroups: readonly string[];
	readonly processes: readonly number[];
	readonly programs: readonly number[];
	readonly maps: readonly number[];
	readonly links: readonly number[];
}

/** Puts programs, links, sockets, a capture and a process into the hosts of a lab. */
export async function fillLab(net: Lab, object: string): Promise<LabTraces> {
	const hosts: Host[] = Object.values(net.hosts);
	const [host] = hosts;
	if (host === undefined) throw new Error('a lab without hosts');
	const collection = loadCollection(await readObject(object));
	const program = collection.program('count_packets');
	const links = hosts.map(each => each.attachXdp(program));
	await host.listen(80);
	await host.connect(host.ipv6, 80);
	await host.openUdp({port: 53});
	host.capture();
	const child = host.spawn('sleep', ['1000']);
	const traces = {
		names: hosts.map(({netnsName}) => netnsName),
		cgroups: [dirname(host.cgroup), ...hosts.map(({cgroup}) => cgroup)],
		processes: [child.pid ?? 0],
		programs: [program.info().id],
		maps: program.mapIds(),
		links: links.map(link => link.info().id),
	};
	// From here on the links alone hold them.
	collection.close();
	return traces;
}

let numbers = 0;

/**
 * Watches the namespaces of a lab: the function it gives waits until all is gone, and says what is
 * not, except what it is told to leave out. The kernel forgets the number of a namespace when it destroys it.
 */
export async function watchLab(traces: LabTraces): Promise<(except?: RegExp) => Promise<string[]>> {
	const namespaces = traces.names.map(name => ({name, id: process.pid * 64 + numbers++}));
	for (const {name, id} of namespaces) await run('ip', 'netns', 'set', name, `${id}`);
	const numbered = async (): Promise<string[]> => {
		const known = await run('ip', 'netns', 'list-id');
		return namespaces
			.filter(({id}) => new RegExp(`\\bnsid ${id}\\b`).test(known))
			.map(({name}) => `namespace ${name}`);
	};
	const left = async (): Promise<string[]> => [...(await numbered()), ...leftOf(traces)];
	const lists: readonly (readonly unknown[])[] = [namespaces, ...Object.values({...traces})];
	const count = lists.reduce((sum, each) => sum + each.length, 0);
	const standing = await left();
	if (standing.length !== count) {
		throw new Error(`not all of the lab is seen: ${standing.join(', ')}`);
	}

	return async (except = /^$/) => {
		let found: string[] = [];
		const isGone = async () => {
			found = (await left()).filter(each => !except.test(each));
			return found.length === 0;
		};
		await until('lab to go', isGone).catch(() => undefined);
		return found;
	};
}

function leftOf(traces: LabTraces): string[] {
	const named = readdirSync('/run/netns');
	const exists =
		(open: (id: number) => {close: () => void}) =>
		(id: number): boolean => {
			try {
				open(id).close();
				return true;
			} catch {
				return false;
			}
		};
	const say = (what: string, ids: readonly unknown[]) => ids.map(id => `${what} ${String(id)}`);
	return [
		...say(
			'name',
			traces.names.filter(name => named.includes(name)),
		),
		...say(
			'cgroup',
			traces.cgroups.filter(path => existsSync(path)),
		),
		...say(
			'process',
			traces.processes.filter(pid => existsSync(`/proc/${pid}`)),
		),
		...say('program', traces.programs.filter(exists(openProgramById))),
		...say('map', traces.maps.filter(exists(openMapById))),
		...say('link', traces.links.filter(exists(openLinkById))),
	];
}
