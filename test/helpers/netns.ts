import type {ExecutionContext} from 'ava';
import {run, uniqueName} from './run.js';

/** A network namespace of a test's own, with its loopback up. */
export interface Namespace {
	readonly name: string;
	/** What setns(2) opens. */
	readonly path: string;
	/** The command line that runs `command` inside, to be given to `run` or `start`. */
	readonly wrap: (...command: readonly string[]) => [string, ...string[]];
	/** Runs a command inside to its end and gives what it printed. */
	readonly run: (...command: readonly string[]) => Promise<string>;
}

/** One end of a veth pair. */
export interface Interface {
	readonly name: string;
	/** Number of the interface in its own namespace. */
	readonly index: number;
	readonly ipv4: string;
	readonly ipv6: string;
}

/** Makes a namespace; when the test ends it is removed with every interface in it. */
export async function makeNamespace(t: ExecutionContext): Promise<Namespace> {
	const name = uniqueName();
	const wrap: Namespace['wrap'] = (...command) => ['ip', 'netns', 'exec', name, ...command];
	await run('ip', 'netns', 'add', name);
	t.teardown(async () => {
		await run('ip', 'netns', 'del', name);
	});
	await run('ip', '-n', name, 'link', 'set', 'lo', 'up');
	return {
		name,
		path: `/run/netns/${name}`,
		wrap,
		run: async (...command) => run(...wrap(...command)),
	};
}

/**
 * Joins two namespaces by a veth pair, up and addressed: 192.0.2.1/24 and 2001:db8::1/64 on the
 * left, .2 and ::2 on the right. A `subnet` other than 0 keeps a second pair apart from the
 * first: 198.51.100.0/24 and 2001:db8:1::/64 for 1, 203.0.113.0/24 and 2001:db8:2::/64 for 2.
 */
export async function connect(
	left: Namespace,
	right: Namespace,
	subnet: 0 | 1 | 2 = 0,
): Promise<[left: Interface, right: Interface]> {
	const device = `veth${subnet}`;
	await run(
		...['ip', 'link', 'add', device, 'netns', left.name, 'type', 'veth'],
		...(['peer', 'name', device, 'netns', right.name] as const),
	);
	const network4 = (['192.0.2', '198.51.100', '203.0.113'] as const)[subnet];
	const network6 = (['2001:db8:', '2001:db8:1:', '2001:db8:2:'] as const)[subnet];
	return [
		await address(['ip', '-n', left.name], device, `${network4}.1/24`, `${network6}:1/64`),
		await address(['ip', '-n', right.name], device, `${network4}.2/24`, `${network6}:2/64`),
	];
}

let uplinks = 0;

/**
 * Joins a namespace to the one the test itself runs in, for what must attach to a device of its
 * own namespace: the addresses are unique on the machine, 198.18.x.y/30 and 2001:db8:ffff:x::/64.
 */
export async function connectHost(
	t: ExecutionContext,
	namespace: Namespace,
): Promise<[host: Interface, inside: Interface]> {
	const host = uniqueName();
	const device = `uplink${uplinks}`;
	const subnet = (process.pid * 8 + uplinks) % 2 ** 15;
	uplinks += 1;
	await run(
		...['ip', 'link', 'add', host, 'type', 'veth'],
		...(['peer', 'name', device, 'netns', namespace.name] as const),
	);
	t.teardown(async () => {
		await run('ip', 'link', 'del', host);
	});
	const ipv4 = (last: number) =>
		`198.${18 + (subnet >> 14)}.${(subnet >> 6) & 255}.${((subnet & 63) << 2) + last}/30`;
	const ipv6 = (last: number) => `2001:db8:ffff:${subnet.toString(16)}::${last}/64`;
	return [
		await address(['ip'], host, ipv4(1), ipv6(1)),
		await address(['ip', '-n', namespace.name], device, ipv4(2), ipv6(2)),
	];
}

/** Addresses a device, without the second that duplicate address detection takes, and ups it. */
async function address(
	ip: readonly [string, ...string[]],
	name: string,
	ipv4: string,
	ipv6: string,
): Promise<Interface> {
	await run(...ip, 'address', 'add', ipv4, 'dev', name);
	await run(...ip, 'address', 'add', ipv6, 'dev', name, 'nodad');
	await run(...ip, 'link', 'set', name, 'up');
	const [link] = JSON.parse(await run(...ip, '-j', 'link', 'show', 'dev', name)) as [
		{ifindex: number},
	];
	const bare = (prefix: string) => prefix.slice(0, prefix.indexOf('/'));
	return {name, index: link.ifindex, ipv4: bare(ipv4), ipv6: bare(ipv6)};
}
