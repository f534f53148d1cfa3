/** Whatever comes: what is dropped is counted, and what is not is not. */

import fc from 'fast-check';

import type {BpfMap} from '../../../src/object/map/map.js';
import {runPacket} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {carrying} from './dsr-packets.js';
import {inGeneve, inIpip} from './dsr-tunnel-packets.js';
import {writeService} from '../../helpers/services.js';
import {guardedNode, programNames, type GuardedNode, type ProgramName} from './guarded-node.js';
import {families, type Family, type Person} from './people.js';

const kernel = kernelTest({feature: 'test runs of tcx programs', since: '6.6'});
const [next, shot, redirect] = [-1, 2, 7];
/** Metrics that are no drop are below. */
const firstReason = 128;

function drops(node: GuardedNode): bigint {
	const metrics = node.maps.require('metrics') as BpfMap<{reason: number}, {count: bigint}[]>;
	let sum = 0n;
	for (const [{reason}, values] of metrics) {
		if (reason < firstReason) continue;
		for (const {count} of values) sum += count;
	}

	return sum;
}

const person = fc.constantFrom<Person>(
	...(['red', 'blue', 'green', 'far', 'host', 'world', 'desk', 'node', 'service'] as const),
);
const family = fc.constantFrom<Family>(...families);

/** A packet of somebody's with some bytes that are not what they were, or cut. */
const broken = fc
	.record({
		...{family, from: person, to: person, kind: fc.nat(8)},
		changes: fc.array(fc.tuple(fc.nat(99), fc.nat(255)), {maxLength: 4}),
		length: fc.option(fc.integer({min: 34, max: 120})),
		hops: fc.constantFrom(0, 1, 64),
	})
	.map(({family: f, from, to, kind, changes, length, hops}) => {
		const ip = {from, to, hops};
		const made =
			[
				() => f.tcp({...ip, flags: 'S'}),
				() => f.udp(ip),
				() => f.sctp(ip),
				() => f.ping(ip),
				() => f.unreachable(ip, f.udp({from: to, to: from})),
				() => f.pong(ip),
				() => carrying(f, {...ip, flags: 'S'}),
				() => inIpip(f, f.tcp({...ip, to: 'service', flags: 'S'}), from, to),
				() => inGeneve(f, f.udp({...ip, to: 'red'}), {from, to}),
			][kind]?.() ?? f.tcp(ip);
		const bytes = Uint8Array.from(made.bytes);
		for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
		return length === null ? bytes : bytes.slice(0, Math.max(length, f.is6 ? 54 : 34));
	});

const nat = {ipv4: families[0].address.host, ipv6: families[1].address.host} as const;
const dsr = {nodePort: true, forwarding: 'dsr'} as const;

/** TCP on another node, UDP by the other family. */
function serve(node: GuardedNode, f: Family): void {
	const [other] = families.filter(each => each !== f);
	const frontend = {address: f.address.service};
	const address = f.address.lab;
	const flags = ['loadBalancer', 'routable'] as const;
	const backends = [{id: 1, address, port: 80}];
	writeService(node.maps, {id: 1, ...frontend, port: 80, flags, backends});
	const crossing = [{id: 2, address: other?.address.lab ?? '', port: 53}];
	writeService(node.maps, {
		...{id: 2, ...frontend, port: 53, protocol: 17},
		...{flags: [...flags, 'nat46x64'], backends: crossing},
	});
}

/** Nothing that anybody meant. */
const noise = fc
	.tuple(
		fc.constantFrom([0x08, 0x00], [0x86, 0xdd], [0x08, 0x06], [0x12, 0x34]),
		fc.uint8Array({minLength: 40, maxLength: 200}),
	)
	.map(([type, body]) => Uint8Array.from([...new Array<number>(12).fill(2), ...type, ...body]));

for (const [name, settings] of [
	['as they are', {}],
	['with a policy of the host', {hostFirewall: true, constants: {extended_protocols: 1}}],
	['with DSR and NAT between families', {nat, services: {...dsr, nat46x64: true}}],
	['with DSR by IPIP', {nat, services: {...dsr, dsrDispatch: 'ipip'}}],
	['with DSR by Geneve', {nat, services: {...dsr, dsrDispatch: 'geneve'}}],
] as const) {
	kernel(
		`a packet is dropped where a drop is counted, and nowhere else: programs ${name}`,
		async t => {
			const node = await guardedNode(t, settings);
			if ('services' in settings) for (const f of families) serve(node, f);
			node.setPolicies({
				red: {egress: [{protocol: 6}], ingress: [{}]},
				blue: {ingress: [{peer: 300}]},
			});
			fc.assert(
				fc.property(
					fc.constantFrom<ProgramName>(...programNames),
					fc.oneof(broken, noise),
					fc.constantFrom(0, 0x200, 0xc00, 0x12c_0f00),
					(program, bytes, mark) => {
						const before = drops(node);
						const {returnValue} = runPacket(node.programs[program], bytes, {
							...{maps: [], context: {mark}},
						});
						const grown = drops(node) - before;
						t.true([next, shot, redirect].includes(returnValue | 0));
						// What is answered by an error is counted as what it would have been.
						const isAnswer = grown === 1n && returnValue === redirect;
						t.true(returnValue === shot ? grown === 1n : grown === 0n || isAnswer);
					},
				),
				{numRuns: 400},
			);
		},
	);
}
