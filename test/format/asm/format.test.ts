import {readFileSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
	call,
	callKfunc,
	callSubprogram,
	loadFunction,
	loadMapFd,
	loadMapValue,
	mov,
} from '../../../src/format/asm/build.js';
import {decodeInstruction, decodeInstructions} from '../../../src/format/asm/codec.js';
import {formatInstruction} from '../../../src/format/asm/format.js';
import type {Instruction} from '../../../src/format/asm/instruction.js';

const golden = new URL('../../../../test/fixtures/asm/verifier-text.txt', import.meta.url);
const rows = readFileSync(golden, 'utf8').trimEnd().split('\n');

const likeTheKernel = test.macro({
	exec(t, row: string) {
		const [bytes = '', ...words] = row.split(/ +/);
		const instruction = decodeInstruction(Buffer.from(bytes, 'hex'), 0, true);
		t.is(formatInstruction(instruction), words.join(' '));
	},
	title: (_, row: string) => `prints like the kernel ${row.replace(/ +/, ' ')}`,
});

for (const row of rows) test(likeTheKernel, row);

const prints = test.macro({
	exec(t, instruction: Instruction, text: string) {
		t.is(formatInstruction(instruction), text);
	},
	title: (_, _instruction, text) => `prints ${text}`,
});

const blank = {dst: 0, src: 0, offset: 0, imm: 0};
test(prints, loadMapFd('r1', 5), '(18) r1 = map[fd:5]');
test(prints, loadMapValue('r2', 5, 8), '(18) r2 = map[fd:5][0]+8');
test(prints, {...loadMapFd('r1', 5), src: 5}, '(18) r1 = map[idx:5]');
test(prints, {...loadMapValue('r1', 5, 4), src: 6}, '(18) r1 = map[idx:5][0]+4');
test(prints, {...loadMapFd('r1', 77), src: 3}, '(18) r1 = btf[id:77]');
test(prints, loadFunction('r3', 4), '(18) r3 = func[pc+4]');
test(prints, callSubprogram(-5), '(85) call pc-5');
test(prints, callKfunc(1234), '(85) call kernel-function#1234');
test(prints, call(9999), '(85) call unknown#9999');
test(prints, {...call(0), opcode: 0x8d, dst: 3}, '(8d) callx r3');
test(prints, {...blank, opcode: 0xff}, '(ff) unknown');
test(prints, {...blank, opcode: 0x00}, '(00) unknown');
test(prints, {...blank, opcode: 0xdb, imm: 0x33}, '(db) unknown');
test(prints, {...mov('r1', 'r2'), dst: 15}, '(bf) r15 = r2');

test('whatever can be decoded can be printed, on one line', t => {
	fc.assert(
		fc.property(fc.uint8Array({minLength: 8, maxLength: 8}), fc.boolean(), (bytes, little) => {
			const padded = new Uint8Array(16);
			padded.set(bytes);
			const lines = decodeInstructions(padded, little).map(formatInstruction);
			return lines.every(line => /^\([0-9a-f]{2}\) [^\n]+$/.test(line));
		}),
		{numRuns: 2000},
	);
	// Every opcode with immediates that select an operation.
	for (let opcode = 0; opcode < 256; opcode++) {
		for (const imm of [0, 1, 0x40, 0xa1, 0xe1, 0xf1, 0x100, 0x110, -1]) {
			t.notRegex(formatInstruction({...blank, opcode, imm}), /undefined|NaN|\( \*\)/);
		}
	}
});
