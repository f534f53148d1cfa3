import test from 'ava';
import {createMap, type MapDescription} from '../../../src/object/map/create-map.js';
import {BtfBuilder} from '../../../src/format/btf/builder.js';
import {Btf} from '../../../src/format/btf/btf.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'storage of tasks', since: '5.11'});

const sized = {keySize: 4, valueSize: 4, maxEntries: 1};
const noPrealloc = 1;

function types(): Btf {
	const builder = new BtfBuilder();
	const common = {signed: true, char: false, bool: false};
	builder.add({kind: 'int', name: 'int', size: 4, bits: 32, bitOffset: 0, ...common});
	return Btf.parse(builder.build());
}

const typed = {types: types(), keyTypeId: 1, valueTypeId: 1};

const refused = test.macro({
	exec(t, map: MapDescription, detail: string) {
		t.throws(() => createMap({name: 'wrong', ...map}), {
			code: 'ERR_MAP',
			message: `create map "wrong": ${detail}`,
		});
	},
	title: (_, __, detail: string) => `refused: ${detail}`,
});

kernel(refused, {type: 'hash', ...sized, maxEntries: 0}, 'max_entries is 0');
kernel(refused, {type: 'array', ...sized, keySize: 8}, "an array's key has 4 bytes, got 8");
kernel(
	refused,
	{type: 'array_of_maps', ...sized},
	'a map of maps needs a template of the maps in it',
);
kernel(refused, {type: 'lpm_trie', ...sized}, 'a trie needs the flag BPF_F_NO_PREALLOC');
kernel(
	refused,
	{type: 'lpm_trie', ...sized, flags: noPrealloc},
	"a trie's key is a u32 prefix length and the data, got 4 bytes",
);
kernel(
	refused,
	{type: 'task_storage', ...sized, flags: noPrealloc},
	'a map of type task_storage needs BTF types of key and value',
);
kernel(
	refused,
	{type: 'task_storage', ...sized, ...typed},
	'a map of type task_storage needs the flag BPF_F_NO_PREALLOC',
);
kernel(
	refused,
	{type: 'task_storage', ...sized, ...typed, flags: noPrealloc},
	'the key of a map of type task_storage is a descriptor of 4 bytes and its number of entries 0, got 4 bytes and 1',
);
kernel(
	refused,
	{type: 'task_storage', ...sized, ...typed, flags: noPrealloc, maxEntries: 0},
	'the kernel takes no task_storage with a value of 4 bytes of these types',
);

kernel('refused: a name of other characters', t => {
	t.throws(() => createMap({type: 'hash', ...sized, name: 'my-map'}), {
		code: 'ERR_MAP',
		message: 'create map "my-map": a name is made of letters, digits, _ and . alone',
	});
});
