import test from 'ava';
import {disassembleMachine} from '../../src/toolchain/machine-code.js';

const onX64 = process.arch === 'x64' ? test : test.skip;

onX64('pieces of code are told apart, whatever their addresses', async t => {
	const [first, second, third] = await disassembleMachine([
		{address: 0xffffffffc0001000n, code: Uint8Array.of(0x55, 0xc3)},
		{address: 0xffffffffc0000000n, code: Uint8Array.of(0xe8, 0xfb, 0x0f, 0, 0, 0x90)},
		{address: 0n, code: new Uint8Array()},
	]);
	t.deepEqual(
		first?.map(({offset}) => offset),
		[0, 1],
	);
	t.regex(first?.[0]?.text ?? '', /^push\w* %rbp$/);
	t.regex(second?.[0]?.text ?? '', /^call\w* 0xffffffffc0001000$/);
	t.is(second?.[1]?.offset, 5);
	t.deepEqual(third, []);
});

test('a disassembler that is not there is said so', async t => {
	const piece = {address: 0n, code: Uint8Array.of(0x90)};
	await t.throwsAsync(disassembleMachine([piece], {objdump: '/nowhere/llvm-objdump'}), {
		code: 'ERR_DISASSEMBLER',
		message: 'disassemble machine code: no such program "/nowhere/llvm-objdump"',
	});
	await t.throwsAsync(disassembleMachine([piece], {objdump: '/bin/false'}), {
		code: 'ERR_DISASSEMBLER',
		message: /false failed/,
	});
});
