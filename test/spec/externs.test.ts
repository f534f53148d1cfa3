import test from 'ava';
import {parseObject} from '../../src/spec/read.js';
import type {CollectionSpec} from '../../src/spec/types.js';
import {bigEndian, object, objectOf} from './corpus.js';

const read = async (extra: readonly string[] = []): Promise<CollectionSpec> =>
	parseObject(await object('externs', extra, 'kernel'));

test('an extern has a form, and may be weak', async t => {
	const {externs} = await read();
	const forms = Object.values(externs).map(({name, form, weak}) => [name, form, weak]);
	t.deepEqual(forms.sort(), [
		['CONFIG_BPF', 'setting', false],
		['CONFIG_BPF_JIT', 'setting', false],
		['CONFIG_BPF_SYSCALL', 'setting', false],
		['CONFIG_CC_VERSION_TEXT', 'setting', true],
		['CONFIG_HZ', 'setting', false],
		['CONFIG_OF_NO_KERNEL', 'setting', true],
		['LINUX_HAS_BPF_COOKIE', 'setting', false],
		['LINUX_HAS_SYSCALL_WRAPPER', 'setting', false],
		['LINUX_KERNEL_VERSION', 'setting', false],
		['_stext', 'address', false],
		['bpf_of_no_kernel', 'function', true],
		['bpf_prog_active', 'variable', false],
		['bpf_task_from_pid', 'function', false],
		['bpf_task_from_pid___two', 'function', true],
		['bpf_task_release', 'function', false],
		['of_no_kernel', 'address', true],
		['typed_of_no_kernel', 'variable', true],
	]);
	t.is(Object.getPrototypeOf(externs), null);
});

for (const [order, extra] of [
	['little', []],
	['big', bigEndian],
] as const) {
	test(`settings lie side by side, aligned, in a map of their own (${order}-endian)`, async t => {
		const spec = await read(extra);
		const map = spec.maps['.kconfig'];
		const settings = Object.values(spec.externs).filter(({form}) => form === 'setting');
		settings.sort((a, b) => a.offset - b.offset);
		let end = 0;
		for (const {name, offset, size} of settings) {
			const alignment = name === 'CONFIG_CC_VERSION_TEXT' ? 1 : size;
			t.is(offset % alignment, 0, name);
			t.true(offset >= end, name);
			end = offset + size;
		}

		t.deepEqual(
			settings.map(({name}) => name),
			[
				'CONFIG_HZ',
				...['CONFIG_BPF_JIT', 'CONFIG_OF_NO_KERNEL', 'LINUX_KERNEL_VERSION'],
				...['CONFIG_BPF', 'CONFIG_BPF_SYSCALL', 'LINUX_HAS_BPF_COOKIE'],
				'LINUX_HAS_SYSCALL_WRAPPER',
				'CONFIG_CC_VERSION_TEXT',
			],
		);
		t.like(map, {type: 'array', valueSize: end, maxEntries: 1, frozen: true, flags: 0x80});
		t.is(map?.contents?.length, end);
		const section = spec.types?.find('.kconfig', 'datasec');
		t.is(section?.size, end);
		t.deepEqual(
			section?.variables.map(({offset, size}) => [offset, size]),
			settings.map(({offset, size}) => [offset, size]),
		);
	});
}

test('code refers to settings as to other data, and to symbols by extern', async t => {
	const {programs, externs} = await read();
	const {settings, symbols, calls_absent: absent} = programs;
	t.deepEqual(settings?.externs, []);
	const place = externs['CONFIG_HZ']?.offset;
	t.true(
		settings?.references.some(({map, offset}) => map === '.kconfig' && offset === place),
		'CONFIG_HZ',
	);
	t.deepEqual(
		absent?.externs.map(({kind, extern}) => [kind, extern.name]),
		[['call', 'bpf_of_no_kernel']],
	);
	const uses = symbols?.externs ?? [];
	t.deepEqual(
		uses.map(({slot}) => slot),
		uses.map(({slot}) => slot).sort((a, b) => a - b),
	);
	for (const {slot, kind} of uses) {
		t.is(symbols?.instructions[slot * 8], kind === 'call' ? 0x85 : 0x18);
	}
});

test('an extern that no code uses is none', async t => {
	const bytes = await objectOf(`
		extern int CONFIG_A __kconfig, CONFIG_B __kconfig;
		SEC("xdp") int entry(void *ctx) { return CONFIG_B; }
	`);
	t.deepEqual(Object.keys(parseObject(bytes).externs), ['CONFIG_B']);
});

test('an object without externs has none, and no map for them', async t => {
	const spec = parseObject(await object('linking'));
	t.deepEqual(Object.keys(spec.externs), []);
	t.is(spec.maps['.kconfig'], undefined);
});
