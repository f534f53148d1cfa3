/** Known flows of endpoints to the stack. */

import {execFileSync} from 'node:child_process';

import test from 'ava';

import {raiseIpcacheRevision} from '../../../src/datapath/revisions.js';
import {exactly} from './nat-packets.js';
import {identities, type Family} from './people.js';
import {at, flow} from './service-packets.js';
import {egress, table, type TableLine, type TablePacket} from './table.js';

// Each CPU knows flows by itself.
test.before(() => {
	execFileSync('taskset', ['-p', '1', String(process.pid)]);
});

// A clock that stands still: 2^32 ticks have long passed, twice as many have not.
const constants = {seconds_per_jiffy_shl32: 2, initial_jiffies: 0, local_shortcuts: 1};

type Flows = Family['tcpFlows' | 'otherFlows'];

/** Conntrack is told, or it is not. */
const full = (flows: Flows) =>
	({goes: 'stack', maps: {[flows]: [{key: {flags: 0}}]}}) satisfies Partial<TablePacket>;
const short = (flows: Flows) =>
	({goes: 'stack', maps: {[flows]: []}}) satisfies Partial<TablePacket>;
const mark = (identities.red & 0xffff) * 0x1_0000 + 0xf00;

function lines(f: Family): TableLine[] {
	const [inFull, byIt] = [full(f.tcpFlows), short(f.tcpFlows)];
	const opens = f.tcp({flags: 'S'});
	const goesOn = f.tcp({flags: 'A'});
	const known = [opens, goesOn, goesOn];
	const datagram = (more = {}) => f.udp(more);
	const entry = (after: object) => ({
		maps: {[f.tcpFlows]: [{key: {sport: 40_000, dport: 80, flags: 0}, after}]},
	});
	return [
		{
			name: 'a connection goes by it once it has been seen open, with the identity',
			packets: [
				{packet: opens, ...inFull},
				{packet: goesOn, ...inFull},
				{packet: goesOn, ...byIt, out: 'unchanged', contextOut: {mark}},
				{packet: goesOn, context: {mark: 0x200}, ...byIt, contextOut: {mark}},
			],
		},
		{
			name: 'datagrams go by it when their flow has an entry',
			packets: [full, full, short].map(way => ({packet: datagram(), ...way(f.otherFlows)})),
		},
		{
			name: 'what closes is looked at in full, and conntrack is told of what went before',
			given: [...known, goesOn],
			packets: [
				{
					packet: f.tcp({flags: 'FA'}),
					...inFull,
					...entry({packets: 5n, tx_closing: true}),
				},
				{packet: goesOn, ...inFull},
			],
		},
		{
			name: 'what red may no longer send is dropped at once',
			given: known,
			meanwhile: node => {
				node.setPolicies({red: {egress: []}});
			},
			packets: [{packet: goesOn, drop: [133, egress]}],
		},
		{
			name: 'what addresses are now is looked at at once',
			given: known,
			meanwhile: ({maps}) => {
				raiseIpcacheRevision(maps);
			},
			packets: [inFull, inFull, byIt].map(way => ({packet: goesOn, ...way})),
		},
		{
			name: 'what has no hop left is looked at in full, and the stack measures what is large',
			given: [datagram(), datagram(), datagram()],
			packets: [
				{packet: datagram({hops: 1}), ...full(f.otherFlows)},
				{
					packet: datagram({data: new Uint8Array(1480), dontFragment: true}),
					...short(f.otherFlows),
				},
			],
		},
		{
			name: 'what is for the host is looked at in full',
			packets: [opens, goesOn, goesOn].map((_, i) => ({
				packet: f.tcp({to: 'host', flags: i === 0 ? 'S' : 'A'}),
				...inFull,
			})),
		},
	];
}

table('from_endpoint', lines, {constants});

table(
	'from_endpoint',
	f => {
		const {toService, toBackend} = flow(f);
		const request = (flags: string, maps: TablePacket['maps'] = {}): TablePacket => ({
			...{packet: toService(flags), goes: 'stack', maps},
			out: exactly(toBackend(flags, 'world')),
		});
		return [
			{
				name: 'what is for a service goes to its backend on another node',
				...at(f, {backends: [{id: 2, at: 'world'}]}),
				packets: [request('S'), request('A'), request('PA', {[f.tcpFlows]: []})],
			},
		];
	},
	{services: {}, constants},
);
