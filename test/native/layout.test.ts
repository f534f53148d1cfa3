import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {at, kernelTypes, membersOf, partOf, structNamed, type Member} from './kernel-structs.js';

const element = partOf({first: 'map_fd'});
const batch = partOf({part: 'batch'});
const programLoad = partOf({first: 'prog_type'});
const pin = partOf({first: 'pathname'});
const testRun = partOf({part: 'test'});
const query = partOf({part: 'query'});
const attach = partOf({first: 'target_fd'});
const linkCreate = partOf({part: 'link_create'});
const linkUpdate = partOf({part: 'link_update'});
const bind = partOf({part: 'prog_bind_map'});

/** The options that links of some attach types take. */
function linkOptions(name: string): Member[] {
	return membersOf(linkCreate.find(member => member.name === name)?.typeId ?? 0, 16);
}

/** The part of bpf_attr that each command reads, by the name it has in the addon. */
const parts: Record<string, Member[]> = {
	kMapCreate: partOf({first: 'map_type'}),
	kMapLookupElem: element,
	kMapUpdateElem: element,
	kMapDeleteElem: element,
	kMapGetNextKey: element,
	kMapLookupAndDeleteElem: element,
	kMapFreeze: element,
	kMapLookupBatch: batch,
	kMapLookupAndDeleteBatch: batch,
	kMapUpdateBatch: batch,
	kMapDeleteBatch: batch,
	kProgLoad: programLoad,
	kObjPin: pin,
	kObjGet: pin,
	kProgTestRun: testRun,
	kProgQuery: query,
	kProgAttach: attach,
	kProgDetach: attach,
	kRawTracepointOpen: partOf({part: 'raw_tracepoint'}),
	kBtfLoad: partOf({first: 'btf'}),
	kTaskFdQuery: partOf({part: 'task_fd_query'}),
	kProgBindMap: bind,
	'kLinkCreate kTraceIter': linkCreate.filter(({name}) => name.startsWith('iter_info')),
	'kLinkCreate kTraceKprobeMulti': linkOptions('kprobe_multi'),
	'kLinkCreate kTraceKprobeSession': linkOptions('kprobe_multi'),
	'kLinkCreate kTraceUprobeMulti': linkOptions('uprobe_multi'),
	'kLinkCreate kTraceUprobeSession': linkOptions('uprobe_multi'),
	kLinkUpdate: linkUpdate,
	kLinkDetach: partOf({part: 'link_detach'}),
	kIterCreate: partOf({part: 'iter_create'}),
	kEnableStats: partOf({part: 'enable_stats'}),
};

const read = (path: string) =>
	readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

const layoutSource = read('native/attr_layout.cc');

/** Pointer fields whose length another field gives, by their names in the kernel. */
const lengths: Record<string, string> = {
	'insns:8': 'insn_cnt:4',
	'log_buf:8': 'log_size:4',
	'func_info:8': 'func_info_cnt:4',
	'line_info:8': 'line_info_cnt:4',
	'data_in:8': 'data_size_in:4',
	'data_out:8': 'data_size_out:4',
	'ctx_in:8': 'ctx_size_in:4',
	'ctx_out:8': 'ctx_size_out:4',
	'prog_ids:8': 'prog_cnt:4 count:4',
	'prog_attach_flags:8': 'prog_cnt:4 count:4',
	'link_ids:8': 'prog_cnt:4 count:4',
	'link_attach_flags:8': 'prog_cnt:4 count:4',
	'btf:8': 'btf_size:4',
	'btf_log_buf:8': 'btf_log_size:4',
	'buf:8': 'buf_len:4',
	'iter_info:8': 'iter_info_len:4',
	'addrs:8': 'cnt:4',
	'cookies:8': 'cnt:4',
	'offsets:8': 'cnt:4',
	'ref_ctr_offsets:8': 'cnt:4',
};

/** Fields by which extents that follow from the map go. */
const byExtent: Record<string, string[]> = {
	kKey: ['key:8', 'value:8 next_key:8'],
	kValue: ['value:8 next_key:8'],
	kBatchKeys: ['keys:8'],
	kBatchValues: ['values:8'],
	kBatchCursor: ['in_batch:8', 'out_batch:8'],
	kFdArray: ['fd_array:8'],
	kString: ['license:8', 'pathname:8', 'name:8', 'path:8'],
};

const row = /\{(k\w+), (k?\w+), (kIn|kOut), Extent::(\w+)(?:, (\d+), (\d+))?(?:, (k\w+))?\}/g;
const rows = [...layoutSource.matchAll(row)].map(match => {
	const [, name = '', offset = '', , extent = '', length, , attachType] = match;
	const command = attachType === undefined ? name : `${name} ${attachType}`;
	const constant = new RegExp(`constexpr uint32_t ${offset} = (\\d+);`).exec(layoutSource)?.[1];
	return {command, offset: Number(constant ?? offset), extent, length};
});

test('every row of the pointer table is read here', t => {
	const table = /kPointerFields\[\] = \{(.*?)\n\};/s.exec(layoutSource)?.[1] ?? '';
	t.is(rows.length, table.split('{k').length - 1);
	t.true(rows.length >= 39);
});

for (const {command, offset, extent, length} of rows) {
	test(`${command} has a pointer at ${offset}, as in the kernel`, t => {
		const members = parts[command] ?? [];
		const field = at(members, offset);
		if (extent === 'kField') t.is(at(members, Number(length)), lengths[field] ?? 'unknown');
		else t.true(byExtent[extent]?.includes(field), `${field} is no ${extent}`);
	});
}

const constants = test.macro({
	exec(t, name: string, members: Member[], field: string) {
		const value = new RegExp(`constexpr uint32_t ${name} = (\\d+);`).exec(layoutSource)?.[1];
		t.is(at(members, Number(value)), field);
	},
	title: (_, name) => `${name} is where the kernel has it`,
});

test(constants, 'kBatchCount', batch, 'count:4');
test(constants, 'kBatchMapFd', batch, 'map_fd:4');
test(constants, 'kLinkAttachType', linkCreate, 'attach_type:4');
test(constants, 'kProgInstructions', programLoad, 'insns:8');
test(constants, 'kProgFdArrayCount', programLoad, 'fd_array_cnt:4');
test(constants, 'kFuncInfoCount', programLoad, 'func_info_cnt:4');
test(constants, 'kFuncInfoRecSize', programLoad, 'func_info_rec_size:4');
test(constants, 'kLineInfoCount', programLoad, 'line_info_cnt:4');
test(constants, 'kLineInfoRecSize', programLoad, 'line_info_rec_size:4');

/** Fields of 8 bytes that hold no address. */
const plain = new Set([
	'map_extra',
	'flags',
	'elem_flags',
	'expected_revision',
	'revision',
	'cookie',
	'probe_offset',
	'probe_addr',
]);

test('every other address of a wrapped command is refused, or lies beyond its attr', t => {
	const limits = [...layoutSource.matchAll(/((?:\t\tcase k\w+:\n)+)\t\t\treturn (\d+);/g)];
	const limitOf = (command: string) =>
		Number(
			limits.find(([, cases = '']) => cases.includes(`${command.split(' ', 1)[0]}:`))?.[2],
		);
	const forbidden = /kForbidden\[\] = \{(.*?)\n\};/s.exec(layoutSource)?.[1] ?? '';
	// What the kernel does not look at for the command.
	const unused = new Set([
		'kMapDeleteElem value',
		'kMapDeleteElem next_key',
		'kMapFreeze key',
		'kMapFreeze value',
		'kMapFreeze next_key',
		'kMapUpdateBatch in_batch',
		'kMapUpdateBatch out_batch',
		'kMapDeleteBatch in_batch',
		'kMapDeleteBatch out_batch',
		'kMapDeleteBatch values',
	]);
	let checked = 0;
	for (const [command, members] of Object.entries(parts)) {
		for (const {name, offset, size} of members) {
			if (size !== 8 || plain.has(name) || offset + 8 > limitOf(command)) continue;
			checked++;
			const known =
				rows.some(known => known.command === command && known.offset === offset) ||
				forbidden.includes(`{${command.replace(' ', `, ${offset}, `)}`) ||
				forbidden.includes(`{${command}, ${offset}}`) ||
				unused.has(`${command} ${name}`);
			t.true(known, `${command} ${name} at ${offset}`);
		}
	}

	t.true(checked > 40);
});

const infoSource = read('native/sys_info.cc');

const infoStructs: Record<string, string> = {
	kProgram: 'bpf_prog_info',
	kBtf: 'bpf_btf_info',
};

const infoRow = /\{FdKind::(k\w+), kAnyType, (\d+), (\d+), (\d+), (\d+)\}.*?\/\/ (\w+)/g;

for (const match of infoSource.matchAll(infoRow)) {
	const [, kind = '', address, length, unit, record, name = ''] = match;
	test(`${infoStructs[kind] ?? kind} has the array ${name} where the addon writes it`, t => {
		const members = structNamed(infoStructs[kind] ?? '');
		const lengthNames: Record<string, string> = {
			jited_prog_insns: 'jited_prog_len',
			xlated_prog_insns: 'xlated_prog_len',
			btf: 'btf_size',
			name: 'name_len',
		};
		const units: Record<string, number> = {
			map_ids: 4,
			jited_ksyms: 8,
			jited_func_lens: 4,
			func_info: kernelTypes.sizeOf(kernelTypes.find('bpf_func_info', 'struct')?.id ?? 0),
			line_info: kernelTypes.sizeOf(kernelTypes.find('bpf_line_info', 'struct')?.id ?? 0),
			jited_line_info: 8,
			prog_tags: 8,
		};
		t.is(at(members, Number(address)), `${name}:8`);
		t.is(at(members, Number(length)), `${lengthNames[name] ?? `nr_${name}`}:4`);
		t.is(Number(unit), units[name] ?? 1);
		if (Number(record) !== 0) t.is(at(members, Number(record)), `${name}_rec_size:4`);
		else t.false(members.some(member => member.name === `${name}_rec_size`));
	});
}

test('raw tracepoint and iterator links have their name where the addon writes it', t => {
	const members = structNamed('bpf_link_info');
	for (const [part, name] of [
		['raw_tracepoint', 'tp_name'],
		['iter', 'target_name'],
	] as const) {
		const inner = members
			.filter(member => member.name === part)
			.flatMap(({typeId, offset}) => membersOf(typeId, offset));
		t.is(at(inner, 16), `${name}:8`);
		t.is(at(inner, 24), `${name}_len:4`);
	}

	const types = kernelTypes.find('bpf_link_type', 'enum');
	if (types?.kind !== 'enum') return t.fail();
	const number = (name: string) => types.values.find(value => value.name === name)?.value;
	t.is(Number(number('BPF_LINK_TYPE_RAW_TRACEPOINT')), 1);
	t.is(Number(number('BPF_LINK_TYPE_ITER')), 4);
});

const probeArrays = test.macro({
	exec(t, part: string, arrays: Readonly<Record<string, string>>) {
		const link = structNamed('bpf_link_info').find(({name}) => name === part);
		const members = membersOf(link?.typeId ?? 0, link?.offset ?? 0);
		const inner = members.flatMap(each => [each, ...membersOf(each.typeId, each.offset)]);
		const constant = part.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) =>
			letter.toUpperCase(),
		);
		const found = infoSource.matchAll(
			new RegExp(`\\{FdKind::kLink, k${constant}Link, (\\d+), (\\d+), (\\d+), 0\\}`, 'g'),
		);
		let checked = 0;
		for (const [, address, length, unit] of found) {
			checked++;
			const lengths = at(inner, Number(length)).split(' ');
			const names = at(inner, Number(address)).split(' ');
			const name = names.find(each => each in arrays) ?? '';
			t.true(lengths.includes(arrays[name] ?? ''), `${name}: ${lengths.join(' ')}`);
			t.is(Number(unit), arrays[name] === 'count:4' ? 8 : 1);
		}

		t.is(checked, Object.keys(arrays).length);
	},
	title: (_, part) => `${part} links have their arrays where the addon writes them`,
});

test(probeArrays, 'perf_event', {'file_name:8': 'name_len:4'});
test(probeArrays, 'kprobe_multi', {'addrs:8': 'count:4', 'cookies:8': 'count:4'});
test(probeArrays, 'uprobe_multi', {
	'path:8': 'path_size:4',
	'offsets:8': 'count:4',
	'ref_ctr_offsets:8': 'count:4',
	'cookies:8': 'count:4',
});
