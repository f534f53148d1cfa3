import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {builderOf} from '../../../src/format/btf/builder.js';
import {
	type BtfFeature,
	btfFeatures,
	featuresOf,
	hasExterns,
	stripBtf,
} from '../../../src/format/btf/strip.js';
import {parseObject} from '../../../src/spec/read.js';
import {bigEndian, object} from '../../spec/corpus.js';
import {everyFeature} from './features.js';
import {fixtureTypes} from './types.js';

const every = btfFeatures.map(([feature]) => feature);

test('what is in types is found, the newest first', t => {
	t.deepEqual(featuresOf(everyFeature()), every);
});

const without = test.macro({
	exec(t, feature: BtfFeature) {
		const types = everyFeature();
		const stripped = Btf.parse(stripBtf(types, new Set([feature])));
		const left = every.filter(each => each !== feature);
		// Nothing is optional without sections, and no function global without functions.
		const implied = new Map<BtfFeature, BtfFeature[]>([
			['type_tag', []],
			['data sections', ['optional sections']],
			['functions', ['global functions']],
		]).get(feature);
		t.deepEqual(
			featuresOf(stripped),
			left.filter(each => !implied?.includes(each)),
		);
		t.is(stripped.typeCount, types.typeCount);
		t.is(stripped.stringEnd, types.stringEnd);
		for (let id = 1; id < types.typeCount; id++) {
			const was = types.type(id);
			if ('size' in was && was.kind !== 'datasec') t.is(stripped.sizeOf(id), was.size);
		}
	},
	title: (_, feature) => `without ${feature}, ids, sizes and strings stay as they were`,
});

for (const feature of every) test(without, feature);

test('an optional section keeps the rest of its name', t => {
	const stripped = Btf.parse(stripBtf(everyFeature(), new Set(['optional sections'])));
	t.truthy(stripped.find('.optional', 'datasec'));
});

test('where nothing is left out, nothing changes', async t => {
	const types = await fixtureTypes();
	const same = Btf.parse(stripBtf(types, new Set()));
	t.deepEqual(builderOf(same).build(), builderOf(types).build());
});

for (const [order, extra] of [
	['little', []],
	['big', bigEndian],
] as const) {
	test(`externs go, settings become variables (${order}-endian)`, async t => {
		const {types} = parseObject(await object('externs', extra, 'kernel'));
		if (types === undefined) throw new Error('no types');
		t.true(hasExterns(types));
		const stripped = Btf.parse(stripBtf(types, new Set()));
		t.false(hasExterns(stripped));
		t.is(stripped.littleEndian, types.littleEndian);
		t.is(stripped.find('.ksyms'), undefined);
		t.is(stripped.find('bpf_task_release'), undefined);
		t.is(stripped.find('CONFIG_HZ', 'var')?.linkage, 'global');
		t.deepEqual(stripped.find('.kconfig'), types.find('.kconfig'));
		t.deepEqual(stripped.find('settings', 'func'), types.find('settings', 'func'));
	});
}

test('types without externs have none', async t => {
	t.false(hasExterns(await fixtureTypes()));
});
