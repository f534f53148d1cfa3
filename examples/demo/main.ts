/**
 * The main job in one go: compile, verify, load, attach, pin, watch, replace under traffic; then the
 * datapath: endpoints, a policy, what it lets through and what it drops, and a service under load.
 *
 * Run as root by `npm run demo`. It works in network namespaces and a cgroup of its own and leaves
 * nothing behind, also when it is interrupted. Needs kernel 6.6 (tcx).
 */

import {setMaxListeners} from 'node:events';
import {rmSync} from 'node:fs';
import {basename, join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {
	attachCgroup,
	attachTcx,
	attachXdp,
	compileObject,
	isEbpfError,
	listCgroupHooks,
	listInterfaceHooks,
	loadCollection,
	openPinnedMap,
	openProgramById,
	readObject,
	verifyCollection,
	type Collection,
	type CollectionSpec,
} from 'skep';

import {withNode} from './datapath.js';
import {guardEndpoints} from './policy.js';
import {connections, flows, packetCounts, type PacketCount, type PacketKey} from './report.js';
import {replaceUnderTraffic} from './replace.js';
import {balanceRequests} from './service.js';
import {printTable} from './table.js';
import {connectBoth, flood} from './traffic.js';
import {makeFolder, World} from './world.js';

const sources = fileURLToPath(new URL('../../../bpf/', import.meta.url));
const names = ['xdp_count', 'tc_flows', 'sock_connections'];

function heading(text: string): void {
	console.log(`\n${text}`);
}

async function build(folder: string, signal: AbortSignal): Promise<CollectionSpec[]> {
	heading('Compile');
	const specs: CollectionSpec[] = [];
	let version = '';
	for (const name of names) {
		const output = join(folder, `${name}.bpf.o`);
		const {clang} = await compileObject(join(sources, `${name}.bpf.c`), {output, signal});
		const spec = await readObject(output);
		specs.push(spec);
		const programs = Object.values(spec.programs).map(
			({name, section}) => `${name} (${section})`,
		);
		console.log(`  bpf/${name}.bpf.c  ${programs.join(', ')}`);
		version = clang.version;
	}

	console.log(`  with clang ${version}`);
	return specs;
}

function verify(specs: readonly CollectionSpec[]): void {
	heading('Verify');
	printTable(
		specs.flatMap(spec =>
			[...verifyCollection(spec)].map(({program, instructions, statistics, time, error}) => {
				if (error !== undefined) throw error;
				return {
					program,
					instructions,
					verified: statistics?.instructions ?? 0,
					states: statistics?.totalStates ?? 0,
					stack: statistics?.stackDepths?.join('+') ?? '',
					ms: time.toFixed(2),
				};
			}),
		),
	);
}

/** Loads everything with its maps pinned, attaches it and pins the links. */
function install(
	world: World,
	specs: readonly CollectionSpec[],
	stack: (() => void)[],
): Collection[] {
	const collections = specs.map(spec => {
		const collection = loadCollection(spec, {pinRoot: `${world.bpffs}/maps`, pinMaps: 'all'});
		stack.push(() => {
			collection.close();
		});
		return collection;
	});
	const [xdp, tc, sock] = collections;
	if (xdp === undefined || tc === undefined || sock === undefined) throw new Error('no objects');
	const {netns, device} = world.right;
	const links = {
		xdp: attachXdp(xdp.program('xdp_count'), device, {netns, mode: 'native'}),
		tcx_ingress: attachTcx(tc.program('flows_ingress'), device, {netns}),
		tcx_egress: attachTcx(tc.program('flows_egress'), device, {netns}),
		sockops: attachCgroup(sock.program('sock_connections'), world.cgroup),
	};
	for (const [name, link] of Object.entries(links)) {
		link.pin(`${world.bpffs}/links/${name}`);
		link.close();
	}

	return collections;
}

function showHooks(world: World): void {
	heading('Attached');
	const hooks = [
		...listInterfaceHooks({netns: world.right.netns}),
		...listCgroupHooks(world.cgroup),
	];
	printTable(
		hooks.flatMap(({attachType, mode, target, programs}) =>
			programs.map(({programId, linkId}) => {
				using program = openProgramById(programId);
				return {
					hook: mode === undefined ? attachType : `${attachType} ${mode}`,
					target: basename(target),
					program: program.name,
					id: programId,
					link: linkId ?? '-',
				};
			}),
		),
	);
}

async function main(signal: AbortSignal): Promise<void> {
	const stack: (() => void)[] = [];
	const folder = makeFolder();
	stack.push(() => {
		rmSync(folder, {recursive: true});
	});
	let world: World | undefined;
	try {
		const specs = await build(folder, signal);
		verify(specs);
		world = await World.create();
		const [xdp] = install(world, specs, stack);
		showHooks(world);

		heading('Traffic: pings, and a TCP connection of each family');
		const {left, right} = world;
		await flood(left, right.ipv4, 100, signal);
		await flood(left, right.ipv6, 100, signal);
		await connectBoth(world.cgroup, left, right, 1 << 20, signal);

		const maps = `${world.bpffs}/maps`;
		heading('What XDP counted (pinned map packet_counts)');
		using counts = openPinnedMap<PacketKey, PacketCount[]>(`${maps}/packet_counts`);
		printTable(packetCounts(counts));
		heading('What tc saw (pinned map flows)');
		printTable(flows(`${maps}/flows`));
		heading('Connections of the cgroup (pinned map connections)');
		printTable(connections(`${maps}/connections`));

		heading('Replace the XDP program under traffic');
		if (xdp !== undefined) await replaceUnderTraffic(world, specs[0], xdp, counts, signal);
		heading('Datapath: three endpoints, and a policy between two of them');
		await withNode(`${world.bpffs}/datapath`, signal, async node => {
			await guardEndpoints(node, signal);
			heading('Service: HTTP on a virtual address, with two backends');
			await balanceRequests(node, signal);
		});
	} finally {
		for (const close of stack.reverse()) close();
		await world?.remove();
	}
}

const interrupt = new AbortController();
// Every request and connection listens to it.
setMaxListeners(0, interrupt.signal);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	// Not `once`: while anybody listens, the lab leaves the end of the process to us.
	process.on(signal, () => {
		process.exitCode = signal === 'SIGINT' ? 130 : 143;
		interrupt.abort(new Error(`interrupted by ${signal}`));
	});
}

try {
	await main(interrupt.signal);
	console.log('\nNothing is left behind.');
} catch (error) {
	if (!(error instanceof Error)) throw error;
	const text = interrupt.signal.aborted ? 'interrupted; nothing is left behind' : error.message;
	console.error(`demo: ${text}`);
	if (!isEbpfError(error) && !interrupt.signal.aborted) console.error(error.stack);
	process.exitCode ??= 1;
}
