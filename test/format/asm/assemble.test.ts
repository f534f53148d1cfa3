import test from 'ava';
import {AsmError} from '../../../src/format/asm/asm-error.js';
import {assemble} from '../../../src/format/asm/assemble.js';
import {
	add,
	atomic,
	call,
	callSubprogram,
	exit,
	jump,
	jumpFar,
	jumpIf,
	load,
	loadFunction,
	loadNumber,
	mayGoto,
	mov,
	type Register,
	store,
} from '../../../src/format/asm/build.js';
import {decodeInstructions} from '../../../src/format/asm/codec.js';
import {formatInstruction} from '../../../src/format/asm/format.js';
import type {Instruction} from '../../../src/format/asm/instruction.js';

type Program = readonly (Instruction | string)[];

const assembles = test.macro({
	exec(t, program: Program, ...text: string[]) {
		t.deepEqual(decodeInstructions(assemble(program)).map(formatInstruction), text);
		t.deepEqual(decodeInstructions(assemble(program, false), false), [
			...decodeInstructions(assemble(program, true), true),
		]);
	},
	title: title => `assembles ${title}`,
});

test(
	'a jump forward over a 16-byte load',
	assembles,
	[jumpIf('r1', '==', 0, 'out'), loadNumber('r1', 1n), 'out', exit()],
	'(15) if r1 == 0x0 goto pc+2',
	'(18) r1 = 0x1',
	'(95) exit',
);
test(
	'a jump back',
	assembles,
	['again', add('r1', -1), jumpIf('w1', 's>', 'w2', 'again'), exit()],
	'(07) r1 += -1',
	'(6e) if w1 s> w2 goto pc-2',
	'(95) exit',
);
test(
	'all kinds of goto',
	assembles,
	['top', jump('end'), jumpFar('top'), mayGoto('end'), 'end', exit()],
	'(05) goto pc+2',
	'(06) gotol pc-2',
	'(e5) may_goto pc+0',
	'(95) exit',
);
test(
	'calls and references to functions',
	assembles,
	[loadFunction('r2', 'f'), callSubprogram('f'), call('ktime_get_ns'), exit(), 'f', exit()],
	'(18) r2 = func[pc+4]',
	'(85) call pc+2',
	'(85) call bpf_ktime_get_ns#5',
	'(95) exit',
	'(95) exit',
);
test(
	'jumps by a distance without a label',
	assembles,
	[jump(1), mov('r0', 0xffffffff), exit()],
	'(05) goto pc+1',
	'(b7) r0 = -1',
	'(95) exit',
);
test(
	'memory access and atomics',
	assembles,
	[
		store('u8', 'r10', -1, 'r0'),
		store('u16', 'r10', -4, 7),
		load('r9', 'u64', 'r10', -16),
		atomic('load_acquire', 'u64', 'r1', 8, 'r2'),
		atomic('fetch_xor', 'u32', 'r1', 0, 'r2'),
	],
	'(73) *(u8 *)(r10 -1) = r0',
	'(6a) *(u16 *)(r10 -4) = 7',
	'(79) r9 = *(u64 *)(r10 -16)',
	'(db) r2 = load_acquire((u64 *)(r1 +8))',
	'(c3) r2 = atomic_fetch_xor((u32 *)(r1 +0), r2)',
);

const refuses = test.macro({
	exec(t, program: () => Program, message: string) {
		t.throws(() => assemble(program()), {instanceOf: AsmError, message});
	},
	title: (_, _program, message) => `refuses to ${message}`,
});

const far = Array.from({length: 0x8000}, () => mov('r0', 0));
test(refuses, () => [jump('out')], 'assemble instruction 0: no label "out"');
test(
	refuses,
	() => [mov('r0', 0), jump('__proto__')],
	'assemble instruction 1: no label "__proto__"',
);
test(refuses, () => ['a', exit(), 'a'], 'assemble label "a": it is there twice');
test(
	refuses,
	() => [jump('out'), ...far, 'out', exit()],
	'encode instruction 0: offset 32768 is outside -32768..32767',
);
test(
	refuses,
	() => [mov('r0', 2 ** 32)],
	'build instruction: immediate 4294967296 does not fit 32 bits',
);
test(refuses, () => [mov('r0', 'w1')], 'build instruction: r0 and w1 have different widths');
test(refuses, () => [mov('r11' as Register, 1)], 'build instruction: no register "r11"');

test('a far goto reaches what a goto cannot', t => {
	const [first] = decodeInstructions(assemble([jumpFar('out'), ...far, 'out', exit()]));
	t.is(first?.imm, 0x8000);
	t.is(first?.offset, 0);
});
