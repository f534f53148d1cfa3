/** A table of cases as tests: one for each case, in the way that `cases` describes. */

import test from 'ava';
import {cases, ethernet, ipv4, ipv6, packet, udp, type PacketCase} from '../../../src/lab/index.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {fixtureObject} from '../../helpers/compile.js';
import {isPrivileged, kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'test runs with a context', since: '5.15'});

const table: PacketCase[] = [
	{
		name: 'an IPv4 packet whose time to live is 1 passes',
		packet: packet(ethernet(), ipv4({ttl: 1}), udp()),
		verdict: 'pass',
		out: 'unchanged',
		maps: {flows: []},
	},
	{
		name: 'an IPv4 packet whose time to live is 64 is dropped',
		packet: packet(ethernet(), ipv4(), udp()),
		verdict: 'drop',
	},
	{
		name: 'an IPv6 packet whose source begins with 2001 is dropped',
		packet: packet(ethernet(), ipv6({source: '2001:db8::1'}), udp()),
		verdict: 'drop',
	},
];

if (isPrivileged()) {
	const spec = await readObject(await fixtureObject('lab/orders'));
	const collection = loadCollection(spec, {programs: ['cgroup_orders']});
	test.after.always(() => {
		collection.close();
	});
	for (const {name, run} of cases(collection.program('cgroup_orders'), table, {
		maps: collection,
	})) {
		kernel(name, t => t.is(run().failure, undefined));
	}
} else {
	for (const {name} of table) kernel(name, t => t.pass());
}
