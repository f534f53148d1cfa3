import {fileURLToPath} from 'node:url';
import test from 'ava';
import type {Pointers} from '../../../src/kernel/sys/addon.js';
import {commands} from '../../../src/uapi/commands.js';
import {at, membersOf, partOf, structNamed, type Member} from '../../native/kernel-structs.js';

// An addon that only writes down what it is asked takes the place of the real one, before the
// modules are loaded that call it.

interface Recorded {
	readonly command: number;
	readonly attr: Uint8Array;
	readonly pointers: Pointers;
}

const recorder = globalThis as unknown as {recorded: Recorded[]; info?: Uint8Array};
recorder.recorded = [];
process.env['SKEP_ADDON'] = fileURLToPath(
	new URL('../../../../test/fixtures/kernel/recording-addon.cjs', import.meta.url),
);
const map = await import('../../../src/kernel/sys/map.js');
const program = await import('../../../src/kernel/sys/program.js');
const link = await import('../../../src/kernel/sys/link.js');
const object = await import('../../../src/kernel/sys/object.js');
const info = await import('../../../src/kernel/sys/info.js');

const element = partOf({first: 'map_fd'});
const batch = partOf({part: 'batch'});
const programLoad = partOf({first: 'prog_type'});
const pin = partOf({first: 'pathname'});
const testRun = partOf({part: 'test'});
const query = partOf({part: 'query'});
const ids = partOf({first: 'start_id'});
const attach = partOf({first: 'target_fd'});
const linkCreate = partOf({part: 'link_create'});
const linkUpdate = partOf({part: 'link_update'});
const bind = partOf({part: 'prog_bind_map'});

type Fields = Readonly<Record<string, number | bigint>>;

/** Checks the fields of the one call that `run` makes, and that nothing else is set. */
const writes = test.macro({
	exec(
		t,
		command: keyof typeof commands,
		members: Member[],
		run: () => unknown,
		fields: Fields,
		pointers: readonly string[] = [],
	) {
		recorder.recorded = [];
		run();
		const [made] = recorder.recorded;
		if (made === undefined) return t.fail('nothing was called');
		t.is(made.command, commands[command]);

		const expected = new Uint8Array(made.attr.length);
		const view = new DataView(expected.buffer);
		for (const [name, value] of Object.entries(fields)) {
			const member = members.find(candidate => candidate.name === name);
			if (member === undefined) return t.fail(`no field ${name}`);
			if (typeof value === 'bigint') view.setBigUint64(member.offset, value, true);
			else view.setUint32(member.offset, value, true);
			t.is(member.size, typeof value === 'bigint' ? 8 : 4);
		}

		t.deepEqual(made.attr, expected);
		const given = made.pointers.filter((_, i) => i % 2 === 0 && made.pointers[i + 1] !== null);
		t.deepEqual(
			given.map(offset => at(members, offset as number).replace(/:8.*/, '')),
			[...pointers],
		);
	},
	title: (title, command) => `${command} is written as the kernel reads it${title ?? ''}`,
});

const bytes = (size: number) => new Uint8Array(size);

test(
	writes,
	'map_create',
	partOf({first: 'map_type'}),
	() =>
		map.mapCreate({
			...{type: 1, keySize: 2, valueSize: 3, maxEntries: 4, flags: 5, name: '', extra: 6n},
			...{innerMapFd: 7, numaNode: 8, btfFd: 9, keyTypeId: 10, valueTypeId: 11},
		}),
	{
		...{map_type: 1, key_size: 2, value_size: 3, max_entries: 4, map_flags: 5, map_extra: 6n},
		...{inner_map_fd: 7, numa_node: 8, btf_fd: 9, btf_key_type_id: 10, btf_value_type_id: 11},
	},
);

test(
	writes,
	'map_lookup_and_delete_elem',
	element,
	() => map.mapLookupAndDelete(1, bytes(1), bytes(1), 2),
	{map_fd: 1, flags: 2n},
	['key', 'value'],
);
test(writes, 'map_freeze', element, () => map.mapFreeze(1), {map_fd: 1});

test(
	writes,
	'map_lookup_batch',
	batch,
	() =>
		map.mapBatch('map_lookup_batch', {
			...{fd: 1, inCursor: bytes(1), outCursor: bytes(1), keys: bytes(1), values: bytes(1)},
			...{count: 2, elementFlags: 3},
		}),
	{map_fd: 1, count: 2, elem_flags: 3n},
	['in_batch', 'out_batch', 'keys', 'values'],
);

test(
	writes,
	'prog_load',
	programLoad,
	() =>
		program.programLoad({
			...{
				type: 1,
				instructions: bytes(16),
				license: 'GPL',
				name: '',
				flags: 3,
				attachType: 4,
			},
			...{btfFd: 5, functions: bytes(24), lines: bytes(64), attachBtfId: 6, attachFd: 7},
			...{kernelVersion: 8, logLevel: 9, log: bytes(10)},
		}),
	{
		...{prog_type: 1, insn_cnt: 2, prog_flags: 3, expected_attach_type: 4, prog_btf_fd: 5},
		...{func_info_rec_size: 8, func_info_cnt: 3, line_info_rec_size: 16, line_info_cnt: 4},
		...{attach_btf_id: 6, attach_prog_fd: 7, kern_version: 8, log_level: 9, log_size: 10},
	},
	['insns', 'license', 'log_buf', 'func_info', 'line_info'],
);

test(
	writes,
	'prog_test_run',
	testRun,
	() =>
		program.programTestRun({
			...{fd: 1, data: bytes(2), dataOut: bytes(3), context: bytes(4), contextOut: bytes(5)},
			...{repeat: 6, flags: 7, cpu: 8, batchSize: 9},
		}),
	{
		...{prog_fd: 1, data_size_in: 2, data_size_out: 3, ctx_size_in: 4, ctx_size_out: 5},
		...{repeat: 6, flags: 7, cpu: 8, batch_size: 9},
	},
	['data_in', 'data_out', 'ctx_in', 'ctx_out'],
);

const attachment = {target: 1, programFd: 2, attachType: 3, flags: 4, replaceFd: 5};
const attachFields = {
	...{target_fd: 1, attach_bpf_fd: 2, attach_type: 3, attach_flags: 4, replace_bpf_fd: 5},
};
test(writes, 'prog_attach', attach, () => program.programAttach(attachment), attachFields);
test(writes, 'prog_detach', attach, () => program.programDetach(attachment), attachFields);

test(
	writes,
	'prog_query',
	query,
	() => program.programQuery(1, 2, {flags: 3, links: true}),
	{target_fd: 1, attach_type: 2, query_flags: 3, count: 64},
	['prog_ids', 'link_ids'],
);
test(writes, 'prog_bind_map', bind, () => program.programBindMap(1, 2), {prog_fd: 1, map_fd: 2});

const placement = [
	...linkCreate,
	...membersOf(linkCreate.find(m => m.name === 'tcx')?.typeId ?? 0, 16),
];
const created = {programFd: 1, target: 2, attachType: 3, flags: 4};
const createdFields = {prog_fd: 1, target_fd: 2, attach_type: 3};
const linkFlags = linkCreate.filter(({name, offset}) => name !== 'flags' || offset === 12);
test(writes, 'link_create', linkFlags, () => link.linkCreate(created), {
	...createdFields,
	flags: 4,
});
test(
	' with a place',
	writes,
	'link_create',
	placement.filter(({name, offset}) => name !== 'flags' || offset === 12),
	() => link.linkCreate({...created, relative: 5, expectedRevision: 6n}),
	{...createdFields, flags: 4, relative_fd: 5, expected_revision: 6n},
);

const optionMembers = (name: string): Member[] => [
	...linkCreate.filter(({offset}) => offset < 16),
	...membersOf(linkCreate.find(member => member.name === name)?.typeId ?? 0, 16).map(member => ({
		...member,
		name: `${name}.${member.name}`,
	})),
];
const iteratorMembers = linkCreate.filter(
	({name, offset}) => offset < 16 || name.startsWith('iter_info'),
);
const optionCases: [Parameters<typeof link.linkCreate>[0]['options'], Fields, string[]][] = [
	[
		{kind: 'netfilter', family: 2, hook: 3, priority: 4, flags: 1},
		{
			'netfilter.pf': 2,
			'netfilter.hooknum': 3,
			'netfilter.priority': 4,
			'netfilter.flags': 1,
		},
		[],
	],
	[
		{kind: 'tracing', targetBtfId: 7, cookie: 8n},
		{'tracing.target_btf_id': 7, 'tracing.cookie': 8n},
		[],
	],
	[{kind: 'perf_event', cookie: 9n}, {'perf_event.bpf_cookie': 9n}, []],
	[
		{kind: 'kprobe_multi', flags: 1, addresses: [1n, 2n], cookies: [3n, 4n]},
		{'kprobe_multi.flags': 1, 'kprobe_multi.cnt': 2},
		['kprobe_multi.addrs', 'kprobe_multi.cookies'],
	],
	[
		{kind: 'uprobe_multi', path: '/x', flags: 1, offsets: [1n], cookies: [3n], pid: 5},
		{'uprobe_multi.flags': 1, 'uprobe_multi.cnt': 1, 'uprobe_multi.pid': 5},
		['uprobe_multi.path', 'uprobe_multi.offsets', 'uprobe_multi.cookies'],
	],
	[{kind: 'iterator', mapFd: 3}, {iter_info_len: 16}, ['iter_info']],
];
for (const [options, fields, pointers] of optionCases) {
	const kind = options?.kind ?? '';
	test(
		` with options of ${kind}`,
		writes,
		'link_create',
		kind === 'iterator' ? iteratorMembers : optionMembers(kind),
		() => link.linkCreate({...created, options}),
		{...createdFields, flags: 4, ...fields},
		pointers,
	);
}

test(writes, 'link_update', linkUpdate, () => link.linkUpdate(1, 2, 3), {
	...{link_fd: 1, new_prog_fd: 2, flags: 4, old_prog_fd: 3},
});
test(writes, 'iter_create', partOf({part: 'iter_create'}), () => link.iteratorCreate(3), {
	link_fd: 3,
});
test(writes, 'link_detach', partOf({part: 'link_detach'}), () => link.linkDetach(1), {link_fd: 1});
test(
	writes,
	'raw_tracepoint_open',
	partOf({part: 'raw_tracepoint'}),
	() => link.rawTracepointOpen(1, 'name'),
	{prog_fd: 1},
	['name'],
);
test(writes, 'obj_pin', pin, () => object.objectPin(1, '/x'), {bpf_fd: 1}, ['pathname']);
test(writes, 'obj_get', pin, () => object.objectGet('/x', 8), {file_flags: 8}, ['pathname']);
test(writes, 'map_get_fd_by_id', ids, () => object.objectFdById('map', 1, 2), {
	...{map_id: 1, open_flags: 2},
});
test(writes, 'link_get_fd_by_id', ids, () => object.objectFdById('link', 1), {link_id: 1});
test(
	writes,
	'btf_load',
	partOf({first: 'btf'}),
	() => object.btfLoad(bytes(2), bytes(3)),
	{btf_size: 2, btf_log_size: 3, btf_log_level: 1},
	['btf', 'btf_log_buf'],
);

test('what calls give back is read where the kernel writes it', t => {
	// Each u32 of attr that comes back is its own offset.
	const offsetOf = (members: Member[], name: string) =>
		members.find(member => member.name === name)?.offset ?? -1;
	recorder.info = new Uint8Array(Uint32Array.from({length: 128}, (_, i) => i * 4).buffer);
	const run = program.programTestRun({fd: 1, repeat: 1, flags: 0, cpu: 0});
	t.is(run.returnValue, offsetOf(testRun, 'retval'));
	t.is(run.dataSize, offsetOf(testRun, 'data_size_out'));
	t.is(run.contextSize, offsetOf(testRun, 'ctx_size_out'));
	t.is(run.duration, offsetOf(testRun, 'duration'));
	const load = {type: 1, instructions: bytes(8), license: '', name: '', flags: 0, attachType: 0};
	const {logTrueSize} = program.programLoad({...load, logLevel: 0});
	t.is(logTrueSize, offsetOf(programLoad, 'log_true_size'));
	const queried = program.programQuery(1, 1);
	t.is(queried.attachFlags, offsetOf(query, 'attach_flags'));
	t.is(Number(queried.revision & 0xffffffffn), offsetOf(query, 'revision'));
	const request = {fd: 1, inCursor: null, outCursor: null, keys: bytes(1), values: null};
	const done = map.mapBatch('map_delete_batch', {...request, count: 1, elementFlags: 0});
	t.is(done.count, offsetOf(batch, 'count'));
	const [first] = object.objectIds('map');
	t.is(first, offsetOf(ids, 'next_id'));
});

const reads = test.macro({
	exec(t, struct: string, fetch: () => object, names: Readonly<Record<string, string>>) {
		recorder.info = new Uint8Array(Uint32Array.from({length: 128}, (_, i) => i * 4).buffer);
		const members = structNamed(struct);
		const got = fetch() as Readonly<Record<string, unknown>>;
		for (const [name, field] of Object.entries(names)) {
			const value = got[name];
			const offset = typeof value === 'bigint' ? Number(value & 0xffff_ffffn) : value;
			const member = members.find(candidate => candidate.name === field);
			t.is(offset, member?.offset, name);
			t.is(member?.size, typeof value === 'bigint' ? 8 : 4, name);
		}
	},
	title: (_, struct) => `${struct} is read as the kernel writes it`,
});

test(reads, 'bpf_map_info', () => info.mapInfo(1), {
	...{type: 'type', id: 'id', keySize: 'key_size', valueSize: 'value_size', flags: 'map_flags'},
	...{maxEntries: 'max_entries', ifindex: 'ifindex', btfId: 'btf_id', extra: 'map_extra'},
	...{keyTypeId: 'btf_key_type_id', valueTypeId: 'btf_value_type_id'},
});
test(reads, 'bpf_prog_info', () => info.programInfo(1), {
	...{type: 'type', id: 'id', loadTime: 'load_time', createdByUid: 'created_by_uid'},
	...{ifindex: 'ifindex', jitedSize: 'jited_prog_len', translatedSize: 'xlated_prog_len'},
	...{mapCount: 'nr_map_ids', btfId: 'btf_id', functionCount: 'nr_func_info'},
	...{lineCount: 'nr_line_info', runTime: 'run_time_ns', runCount: 'run_cnt'},
	...{recursionMisses: 'recursion_misses', verifiedInstructions: 'verified_insns'},
	...{attachBtfObjectId: 'attach_btf_obj_id', attachBtfId: 'attach_btf_id'},
});
test(reads, 'bpf_btf_info', () => info.btfInfo(1), {id: 'id', size: 'btf_size'});

test('names of maps and programs are read where the kernel writes them', t => {
	for (const [struct, fetch] of [
		['bpf_map_info', info.mapInfo],
		['bpf_prog_info', info.programInfo],
	] as const) {
		const offset = structNamed(struct).find(({name}) => name === 'name')?.offset ?? 0;
		recorder.info = new Uint8Array(512);
		recorder.info.set(Buffer.from('in_the_middle'), offset);
		t.is(fetch(1).name, 'in_the_middle');
	}
});
