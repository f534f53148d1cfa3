import test from 'ava';
import {compareFiles} from '../conformance/compare-files.js';
import {corpora} from '../conformance/corpora.js';
import {embeddedObjects} from '../conformance/libbpf-tools.js';
import {buildPeer} from '../conformance/peer.js';
import {baselineFile, changes, readTable} from '../conformance/table.js';
import {judge, unsaid} from '../conformance/verdict.js';
import {kernelTest} from './helpers/kernel.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});
const baseline = readTable(baselineFile);

/** Not the one that the verifier needs a million steps for. */
const quick = /^(?!kernel\/refused\/too_complex$)/;

for (const corpus of corpora.filter(({quick}) => quick)) {
	kernel(`${corpus.name}: libbpf and skep agree where they did`, async t => {
		buildPeer();
		const candidates = await corpus.collect(quick);
		const compared = await compareFiles(candidates.flatMap(({file}) => file ?? []));
		const rows = candidates.flatMap(({object, file = ''}) => {
			const comparison = compared.get(file);
			return comparison === undefined ? [] : [judge(corpus.name, object, comparison)];
		});
		t.is(rows.length, candidates.length);
		t.true(rows.length > 10);
		t.deepEqual(
			changes(baseline, rows).filter(({worse}) => worse),
			[],
		);
		t.true(rows.filter(({verdict}) => verdict === 'same').length > rows.length / 3);
	});
}

test('the table has a reason for everything that is not the same', t => {
	t.true(baseline.length > 500);
	const bare = baseline.filter(({verdict, reason}) => verdict !== 'same' && reason === '');
	t.deepEqual(bare, []);
	const lost = baseline.filter(({verdict}) => ['only libbpf', 'broken'].includes(verdict));
	t.deepEqual(lost, []);
});

test('a refusal that names less than the other says so', t => {
	const log = [
		"libbpf: prog 'run': BPF program load failed: Permission denied",
		"libbpf: prog 'run': -- BEGIN PROG LOAD LOG --",
		'R0 !read_ok',
		'processed 1 insns',
	].join('\n');
	t.deepEqual(unsaid(log, 'load program "run": permission denied: R0 !read_ok at x.c:1'), []);
	t.deepEqual(unsaid(log, 'load program "walk": permission denied'), ['run', 'R0 !read_ok']);
});

test('objects within a program are found', t => {
	const header = Buffer.alloc(64);
	header.write('\x7fELF\x02\x01', 'latin1');
	header.writeUInt16LE(247, 18);
	header.writeBigUInt64LE(64n, 40);
	header.writeUInt16LE(64, 58);
	header.writeUInt16LE(1, 60);
	const object = Buffer.concat([header, Buffer.alloc(64, 7)]);
	const other = Buffer.from(object);
	other.writeUInt16LE(62, 18);
	const program = Buffer.concat([Buffer.alloc(100), object, other, object, header]);
	t.deepEqual(embeddedObjects(program), [object, object]);
});
