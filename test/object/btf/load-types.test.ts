import {constants} from 'node:os';
import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {featuresOf, type BtfFeature} from '../../../src/format/btf/strip.js';
import {BtfLoadError, loadTypes} from '../../../src/object/btf/btf-object.js';
import {btfLoad} from '../../../src/kernel/sys/object.js';
import {parseObject} from '../../../src/spec/read.js';
import {kernelTest} from '../../helpers/kernel.js';
import {Types} from '../../format/btf/types.js';
import {everyFeature} from '../../format/btf/features.js';
import {object} from '../../spec/corpus.js';

const kernel = kernelTest({feature: 'all kinds of types', since: '6.15'});
const {EINVAL, EPERM} = constants.errno;

/** A kernel that refuses some features and takes all else. */
function kernelWithout(...missing: readonly BtfFeature[]) {
	const calls: BtfFeature[][] = [];
	const load: typeof btfLoad = bytes => {
		const features = featuresOf(Btf.parse(bytes));
		calls.push(features);
		const refused = features.some(feature => missing.includes(feature));
		return refused ? {result: -EINVAL} : btfLoad(bytes);
	};
	return {load, calls};
}

kernel('types that the kernel knows go to it as they are, in one call', t => {
	const {load, calls} = kernelWithout();
	const {fd, stripped} = loadTypes(everyFeature(), 'test', false, load);
	t.teardown(() => fd?.close());
	t.deepEqual(stripped, []);
	t.is(calls.length, 1);
});

const strips = test.macro({
	exec(t, missing: readonly BtfFeature[], stripped: readonly BtfFeature[]) {
		const {load} = kernelWithout(...missing);
		const loaded = loadTypes(everyFeature(), 'test', false, load);
		t.teardown(() => loaded.fd?.close());
		t.deepEqual(loaded.stripped, stripped);
		t.not(loaded.fd, undefined);
	},
	title: (_, missing: readonly BtfFeature[]) =>
		`a kernel without ${missing.join(', ')} is given the rest`,
});

const newestFirst: readonly BtfFeature[] = [
	'attributes',
	'optional sections',
	'enum64',
	'type_tag',
	'decl_tag',
	'float',
	'global functions',
	'data sections',
	'functions',
];
for (const [index] of newestFirst.entries()) {
	const missing = newestFirst.slice(0, index + 1);
	kernel(strips, missing, missing);
}

test('a kernel that takes no types at all is given none', t => {
	const {fd, stripped} = loadTypes(everyFeature(), 'test', false, () => ({result: -EINVAL}));
	t.is(fd, undefined);
	t.deepEqual(stripped, newestFirst);
});

test('a refusal for another reason is not tried again', t => {
	let calls = 0;
	const load = () => {
		calls++;
		return {result: -EPERM};
	};
	t.throws(() => loadTypes(everyFeature(), 'test', false, load), {
		instanceOf: BtfLoadError,
		message: /^load types of "test": /,
	});
	t.is(calls, 2);
});

kernel('types that no kernel takes are left out, with the reason', t => {
	const types = new Types();
	types.add({kind: 'struct', name: 'not a name', size: 0, members: []});
	types.add({kind: 'float', name: 'double', size: 8});
	const {fd, refusal} = loadTypes(types.parse(), 'test');
	t.is(fd, undefined);
	t.regex(refusal?.message ?? '', /^load types of "test": .*Invalid name/);
});

kernel('declarations of externs are kept from the kernel', async t => {
	const {types} = parseObject(await object('externs', [], 'kernel'));
	if (types === undefined) throw new Error('no types');
	for (const known of [true, false]) {
		const {fd, stripped} = loadTypes(types, 'test', known);
		t.teardown(() => fd?.close());
		t.deepEqual(stripped, []);
	}
});
