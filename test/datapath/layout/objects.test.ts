import {fileURLToPath} from 'node:url';
import test from 'ava';

import {partsOf} from '../../../src/datapath/layout/compare.js';
import {sizeOf, structLayouts, typeIn} from '../../../src/datapath/layout/layouts.js';
import {mapTable, policyTable} from '../../../src/datapath/layout/map-table.js';
import type {StructVariant} from '../../../src/datapath/layout/fields.js';
import {readObject} from '../../../src/spec/read.js';
import type {CollectionSpec} from '../../../src/spec/types.js';
import type {Btf} from '../../../src/format/btf/btf.js';

/** Of each, the number of structs in its maps that there are at least. */
const objects = {endpoint: 21, host: 21, sock: 21, sockops: 21, xdp: 5} as const;

const read = async (name: string): Promise<CollectionSpec> =>
	readObject(fileURLToPath(new URL(`../../../bpf/${name}.bpf.o`, import.meta.url)));

const pinned = new Map(
	Object.values(mapTable)
		.flat()
		.map(each => [each.pin, each]),
);

/** Maps of the objects that nothing but programs reads. */
const scratch = new Set([
	'events_scratch',
	'walks',
	'originals',
	'service_choices',
	'nat_scratch',
	'relays',
	'tunnels',
	'crossings',
	'error_crossings',
	'shortcuts4',
	'shortcuts6',
	'local_shortcuts4',
	'local_shortcuts6',
	'sock_peers',
	'sock_states',
]);

/** All of a struct, padding too, as lines that can be compared. */
function fieldsIn(btf: Btf, typeId: number, variant: StructVariant): string[] {
	const whole = new Set(variant.fields.map(({path}) => path));
	return partsOf(btf, typeId, whole)
		.map(({path, bit, bits}) => `${path} at ${bit} of ${bits}`)
		.sort();
}

function fieldsOf({fields}: StructVariant): string[] {
	return fields.map(({path, bit, bits}) => `${path} at ${bit} of ${bits}`).sort();
}

const sameLayout = test.macro({
	async exec(t, object: keyof typeof objects) {
		const {maps, types: btf} = await read(object);
		let structs = 0;
		for (const [name, spec] of Object.entries(maps)) {
			if (spec.contents !== undefined || scratch.has(name)) continue;
			const known = pinned.get(name);
			if (known === undefined) {
				t.fail(`the tables have no map ${name}`);
				continue;
			}

			const sides = [
				[known.key, spec.keySize, spec.keyTypeId],
				[known.value, spec.valueSize, spec.valueTypeId],
			] as const;
			for (const [struct, size, typeId] of sides) {
				const type = typeIn('skep', struct);
				if (type === undefined) {
					t.fail(`skep has no ${struct}`);
					continue;
				}

				t.is(sizeOf(type), size, `${name}: bytes of ${struct}`);
				if (typeof type === 'string' || btf === undefined) continue;
				structs++;
				t.deepEqual(fieldsIn(btf, typeId, type), fieldsOf(type), `${name}: ${struct}`);
			}
		}

		t.true(structs >= objects[object]);
	},
	title: (_, object) => `maps of ${object}.bpf.o have the layouts of the tables`,
});

for (const object of Object.keys(objects) as (keyof typeof objects)[]) test(sameLayout, object);

const sameStruct = test.macro({
	async exec(t, object: string, name: string) {
		const {types: btf} = await read(object);
		const type = typeIn('skep', name);
		const found = btf?.find(name, 'struct');
		if (btf === undefined || found === undefined || typeof type !== 'object') {
			t.fail(`there is no ${name}`);
			return;
		}

		t.is(found.size, type.size);
		t.deepEqual(fieldsIn(btf, found.id, type), fieldsOf(type));
	},
	title: (_, object, name) => `${name} of ${object}.bpf.o has the layout of the tables`,
});

// Of inner maps and of events, which no map's declaration names.
const others = [
	...new Set(policyTable.flatMap(({key, value}) => [key, value])),
	'drop_notify',
	'trace_notify',
	'policy_verdict_notify',
];
for (const object of ['endpoint', 'host']) {
	for (const name of others) test(sameStruct, object, name);
}

for (const name of ['drop_notify', 'trace_notify']) test(sameStruct, 'xdp', name);
test(sameStruct, 'sock', 'trace_sock_notify');

test('lists of denied sources hold keys and values of the tables', async t => {
	const {maps} = await read('xdp');
	for (const family of ['v4', 'v6']) {
		for (const list of ['fix', 'dyn']) {
			const inner = maps[`prefilter_${family}_${list}`]?.inner;
			const [key, value] = [`lpm_${family}_key`, 'lpm_val'].map(name => typeIn('skep', name));
			t.is(inner?.keySize, key && sizeOf(key));
			t.is(inner?.valueSize, value && sizeOf(value));
		}
	}
});

test('fields of every layout fit its size, and records have no name twice', t => {
	for (const variants of structLayouts().values()) {
		for (const {name, size, fields} of variants) {
			const shown = fields.flatMap(field => field.shown?.name ?? []);
			t.true(
				fields.every(({bit, bits}) => bit + bits <= size * 8),
				name,
			);
			t.is(new Set(shown).size, shown.length, name);
		}
	}
});
