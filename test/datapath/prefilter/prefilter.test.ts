import {join} from 'node:path';

import {openDatapathMaps, Prefilter} from '../../../src/datapath/index.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {families} from '../../bpf/datapath/people.js';
import {makeFrameNode} from '../../bpf/datapath/frames.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'frames in several pieces', since: '5.18'});

const few = ['10.0.0.1/32', '192.0.2.0/24', '2001:db8::1/128', 'fd00::/8'];

kernel('lists are replaced, added to and deleted from, each time with a new revision', async t => {
	const {prefilter} = await makeFrameNode(t);
	t.is(prefilter.revision, 0);
	t.deepEqual(prefilter.list(), []);

	t.deepEqual(await prefilter.replace(few), {revision: 1, changed: 4, replaced: true});
	t.deepEqual(prefilter.list(), few);
	t.deepEqual(await prefilter.add(['10.0.0.2', '10.0.0.1', 'fd00::/16']), {
		...{revision: 2, changed: 3, replaced: false},
	});
	t.deepEqual([...prefilter].sort(), [...few, '10.0.0.2/32', 'fd00::/16'].sort());
	t.deepEqual(await prefilter.delete(['10.0.0.1', '10.0.0.9', 'fd00::/8', 'fd00::/9']), {
		...{revision: 3, changed: 2, replaced: false},
	});
	t.deepEqual(
		[...prefilter].sort(),
		['10.0.0.2/32', '192.0.2.0/24', '2001:db8::1/128', 'fd00::/16'].sort(),
	);
	t.deepEqual(await prefilter.replace([]), {revision: 4, changed: 0, replaced: true});
	t.deepEqual(prefilter.list(), []);
});

kernel('lists that are being read stay those that were in force', async t => {
	const {prefilter} = await makeFrameNode(t);
	await prefilter.replace(few);
	const reading = prefilter[Symbol.iterator]();
	const first: unknown = reading.next().value;
	await prefilter.replace(['192.0.2.1']);
	t.deepEqual([first, ...reading], few);
	t.deepEqual(prefilter.list(), ['192.0.2.1/32']);
});

kernel('a list that gets too long for its map gets another one at once', async t => {
	const {prefilter} = await makeFrameNode(t);
	await prefilter.replace(few);
	const many = Array.from({length: 3000}, (_, i) => [
		`198.18.${i >> 8}.${i & 0xff}/32`,
		`10.${i >> 8}.${i & 0xff}.0/24`,
		`2001:db8:1::${(i + 1).toString(16)}/128`,
		`2001:${(i + 4096).toString(16)}::/32`,
	]).flat();
	t.deepEqual(await prefilter.add(many), {revision: 2, changed: 12_000, replaced: true});
	t.deepEqual([...prefilter].sort(), [...few, ...many].sort());
});

kernel('a list that is not there is made by what is added first', async t => {
	const {prefilter} = await makeFrameNode(t);
	for (const [i, prefix] of few.entries()) {
		t.like(await prefilter.add([prefix]), {revision: i + 1, replaced: true});
	}

	t.deepEqual(prefilter.list(), few);
});

kernel('programs follow each change', async t => {
	const {prefilter, program} = await makeFrameNode(t);
	const verdicts = () =>
		families.map(f => program.run({data: f.tcp({from: 'desk', to: 'red'}).bytes}).verdict);
	const desks = families.map(({address}) => address.desk);
	const labs = families.map(({prefixes}) => prefixes.lab);
	const steps = [
		[async () => prefilter.add(desks), 'drop'],
		[async () => prefilter.delete(desks), 'pass'],
		[async () => prefilter.add(desks), 'drop'],
		[async () => prefilter.replace(labs), 'drop'],
		[async () => prefilter.add(desks), 'drop'],
		[async () => prefilter.delete(labs), 'drop'],
		[async () => prefilter.replace([]), 'pass'],
	] as const;
	for (const [change, verdict] of steps) {
		await change();
		t.deepEqual(verdicts(), [verdict, verdict]);
	}
});

kernel('of two who change lists of one revision the second is refused', async t => {
	const {prefilter, maps} = await makeFrameNode(t);
	const other = new Prefilter(maps);
	const {revision} = prefilter;
	await prefilter.replace(few, {revision});
	await t.throwsAsync(other.replace([], {revision}), {
		code: 'ERR_DATAPATH',
		message: /its revision is 1, not 0/,
	});
	t.deepEqual(prefilter.list(), few);
	await other.replace([], {revision: 1});
});

kernel('changes asked for at once wait for each other', async t => {
	const {prefilter} = await makeFrameNode(t);
	const changes = await Promise.all(few.map(async prefix => prefilter.add([prefix])));
	t.deepEqual(
		changes.map(({revision}) => revision),
		[1, 2, 3, 4],
	);
	t.deepEqual(prefilter.list(), few);
});

kernel('a prefix that is none changes nothing', async t => {
	const {prefilter} = await makeFrameNode(t);
	await prefilter.replace(few);
	for (const change of ['add', 'delete', 'replace'] as const) {
		await t.throwsAsync(prefilter[change](['10.0.0.1', '10.0.0.0/33']), {code: 'ERR_ADDRESS'});
	}

	t.is(prefilter.revision, 1);
	t.deepEqual(prefilter.list(), few);
});

kernel('where XDP was never on, the error says how to switch it on', async t => {
	const root = await makeBpffs(t);
	using maps = openDatapathMaps({root, write: true});
	await t.throwsAsync(new Prefilter(maps).add(few), {
		code: 'ERR_DATAPATH',
		message: /skep datapath up --xdp auto/,
	});
});

kernel("a Cilium node's lists are read and not written", async t => {
	const root = await makeBpffs(t);
	const pins = [
		['cidr_v4_fix', 'hash', [32, 0, 0, 0, 10, 0, 0, 1]],
		['cidr_v4_dyn', 'lpm_trie', [24, 0, 0, 0, 192, 0, 2, 0]],
		['cidr_v6_fix', 'hash', [128, 0, 0, 0, 0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1]],
		['cidr_v6_dyn', 'lpm_trie', [8, 0, 0, 0, 0xfd, ...new Uint8Array(15)]],
	] as const;
	for (const [pin, type, key] of pins) {
		using map = createMap(
			{type, name: pin, keySize: key.length, valueSize: 1, maxEntries: 1024, flags: 1},
			{raw: true},
		);
		map.set(Uint8Array.from(key), Uint8Array.of(0));
		map.pin(join(root, `cilium_${pin}`));
	}

	using maps = openDatapathMaps({root, prefix: 'cilium_', write: true});
	const prefilter = new Prefilter(maps);
	t.deepEqual(prefilter.list(), few);
	t.is(prefilter.revision, 0);
	await t.throwsAsync(prefilter.add(few), {message: /another datapath's/});
});
