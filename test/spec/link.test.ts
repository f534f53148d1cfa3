import test from 'ava';
import {decodeInstruction} from '../../src/format/asm/codec.js';
import {parseElf} from '../../src/format/elf/elf.js';
import {parseObject} from '../../src/spec/read.js';
import type {ProgramSpec} from '../../src/spec/types.js';
import {bigEndian, object, objectOf} from './corpus.js';
import {layoutOf} from './layout.js';

const linked = test.macro({
	async exec(t, name: string, functions: string[], calls: string[]) {
		for (const flags of [[], bigEndian]) {
			const {programs} = parseObject(await object('linking', flags));
			const program = programs[name];
			if (program === undefined) throw new Error('no such program');
			t.deepEqual(layoutOf(program), {functions, calls}, flags.join(' '));
		}
	},
	title: (_, name) => `${name} is linked with what it reaches`,
});

test(
	linked,
	'diamond',
	['diamond', 'left', 'leaf', 'right'],
	['diamond>left', 'diamond>right', 'left>leaf', 'right>leaf'],
);
test(linked, 'local', ['local', 'leaf'], ['local>leaf']);
test(
	linked,
	'calls_other_section',
	['calls_other_section', 'local', 'leaf'],
	['calls_other_section>local', 'local>leaf'],
);
test(linked, 'loops', ['loops', 'add'], ['loops&add']);
test(
	linked,
	'recursive',
	['recursive', 'descend', 'descend_again'],
	['recursive>descend', 'descend>descend_again', 'descend_again>descend'],
);
test(linked, 'plain', ['plain'], []);

test('instructions are those of the file, but for what the linker fills in', async t => {
	const bytes = await object('linking');
	const elf = parseElf(bytes);
	const {programs} = parseObject(bytes);
	let compared = 0;
	for (const program of Object.values(programs)) {
		const ends = [...program.functions.slice(1).map(({slot}) => slot)];
		ends.push(program.instructions.length / 8);
		for (const [index, {slot: start, typeId}] of program.functions.entries()) {
			const name = program.types?.type(typeId).name;
			const symbol = elf.symbols.find(each => each.name === name && each.type === 'func');
			const section = elf.sections[symbol?.sectionIndex ?? 0];
			if (symbol === undefined || section === undefined) throw new Error(name);
			t.is(((ends[index] ?? 0) - start) * 8, symbol.size);
			for (let slot = start; slot < (ends[index] ?? 0); slot++) {
				const origin = symbol.value + (slot - start) * 8;
				const original = section.data.subarray(origin, origin + 8);
				const own = program.instructions.subarray(slot * 8, slot * 8 + 8);
				const filled = own[0] === 0x85 || own[0] === 0x18 || own[0] === 0;
				const part = filled ? [0, 1] : [0, 8];
				t.deepEqual(
					own.slice(...part),
					Uint8Array.from(original.slice(...part)),
					`${name} ${slot}`,
				);
				compared++;
			}
		}
	}

	t.true(compared > 100);
});

test('references to maps and data carry what the kernel wants, but for the descriptor', async t => {
	const {programs} = parseObject(await object('linking'));
	const {diamond, plain} = programs;
	if (diamond === undefined || plain === undefined) throw new Error('missing');

	t.deepEqual(
		plain.references.map(({kind, map, offset}) => [kind, map, offset]),
		[
			['map-value', '.data', 0],
			['map-value', '.rodata', 4],
		],
	);
	for (const program of [diamond, plain]) {
		for (const {slot, offset} of program.references) {
			t.like(decodeInstruction(program.instructions, slot), {
				opcode: 0x18,
				src: 2,
				imm: 0,
				high: offset,
			});
		}
	}
});

/** Where the first instruction of each function comes from. */
const firstLines: Readonly<Record<string, string>> = {
	diamond: 'return left(skb->len) + right(setting);',
	left: 'counter++;',
	right: 'return leaf(a + 1) + 1;',
	leaf: 'calls++;',
	local: 'return leaf(skb->len);',
	calls_other_section: 'return local(skb) + 1;',
	loops: 'int loops(struct xdp_md *ctx)',
	add: 'added += index;',
	recursive: 'return descend(ctx->rx_queue_index);',
	descend: '__noinline int descend(int a)',
	descend_again: '__noinline int descend_again(int a)',
	plain: 'bpf_printk("plain %d", shared);',
};

test('lines move with their functions, each function starts with one', async t => {
	const {programs} = parseObject(await object('linking'));
	for (const {functions, lines, types, name} of Object.values(programs)) {
		t.true(lines.length > 0, name);
		const slots = lines.map(line => line.slot);
		t.deepEqual(
			slots,
			[...slots].sort((a, b) => a - b),
		);
		for (const {slot, typeId} of functions) {
			const line = lines.find(each => each.slot === slot);
			const code = types?.type(typeId).name ?? '';
			t.is(types?.string(line?.textOffset ?? 0).trim(), firstLines[code], `${name}: ${code}`);
		}
	}
});

test('a program is described by its section', async t => {
	const {programs, license} = parseObject(await object('linking'));
	t.is(license, 'Dual BSD/GPL');
	t.deepEqual(Object.keys(programs).sort(), [
		'calls_other_section',
		'diamond',
		'local',
		'loops',
		'plain',
		'recursive',
	]);
	t.like(programs['loops'], {
		kind: 'program',
		name: 'loops',
		section: '?xdp',
		type: 'xdp',
		attachType: 'xdp',
		attachTarget: undefined,
		autoload: false,
		flags: 0,
		license: 'Dual BSD/GPL',
		byteOrder: 'little',
		coreRelocations: [],
	});
	t.like(programs['calls_other_section'], {
		section: 'tc/entry',
		type: 'sched_cls',
		autoload: true,
	});
	t.is(Object.getPrototypeOf(programs), null);
});

test('calls inside one section need no relocation', async t => {
	const bytes = await objectOf(`
		static __attribute__((noinline, section("xdp"))) int helper(int a)
		{
			asm volatile("" : "+r"(a));
			return a + 1;
		}
		SEC("xdp") int entry(struct xdp_md *ctx) { return helper(ctx->rx_queue_index); }
	`);
	const elf = parseElf(bytes);
	const section = elf.section('xdp');
	if (section === undefined) throw new Error('missing');

	const {entry} = parseObject(bytes).programs;
	t.deepEqual(entry && layoutOf(entry), {
		functions: ['entry', 'helper'],
		calls: ['entry>helper'],
	});
});

test('without type information, programs are linked all the same', async t => {
	const bytes = await objectOf(
		`
		static int counter = 3;
		__attribute__((noinline)) int sub(int a) { return a + counter++; }
		SEC("xdp") int entry(struct xdp_md *ctx) { return sub(1) + sub(2); }
		char _license[] SEC("license") = "GPL";
	`,
		['-g0'],
	);
	const spec = parseObject(bytes);
	const entry = spec.programs['entry'];
	t.is(spec.types, undefined);
	t.like(entry, {functions: [], lines: [], types: undefined, license: 'GPL'});
	const size = parseElf(bytes).symbols.find(({name}) => name === 'entry')?.size ?? 0;
	t.deepEqual(callTargets(entry), [size / 8, size / 8]);
	t.is(spec.variables['counter']?.typeId, 0);
	t.deepEqual(spec.variables['counter']?.get(), Uint8Array.of(3, 0, 0, 0));
});

function callTargets(program: ProgramSpec | undefined): number[] {
	const targets: number[] = [];
	for (let slot = 0; slot < (program?.instructions.length ?? 0) / 8; slot++) {
		if (program?.instructions[slot * 8] !== 0x85) continue;
		targets.push(slot + 1 + decodeInstruction(program.instructions, slot).imm);
	}

	return targets;
}

test('CO-RE relocations follow their instructions', async t => {
	const {types, programs} = parseObject(
		await objectOf(`
		struct task { int tgid, pid; } __attribute__((preserve_access_index));
		static __attribute__((noinline)) int pid(struct task *task) { return task->pid; }
		SEC("fentry.s/do_exit") int traced(struct task *task) { return task->tgid + pid(task); }
		SEC("xdp") int untouched(struct xdp_md *ctx) { return 2; }
	`),
	);
	t.like(programs['traced'], {
		type: 'tracing',
		attachType: 'trace_fentry',
		attachTarget: 'do_exit',
		flags: 16,
	});
	const relocations = programs['traced']?.coreRelocations ?? [];
	const code = programs['traced']?.instructions ?? new Uint8Array();
	t.deepEqual(
		relocations.map(({slot, accessOffset}) => [
			types?.string(accessOffset),
			decodeInstruction(code, slot).offset,
		]),
		[
			['0:0', 0],
			['0:1', 4],
		],
	);
	t.deepEqual(programs['untouched']?.coreRelocations, []);
});
