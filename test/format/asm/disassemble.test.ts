import test from 'ava';
import {assemble} from '../../../src/format/asm/assemble.js';
import {
	callSubprogram,
	exit,
	jumpFar,
	jumpIf,
	loadFunction,
	loadMapFd,
	loadMapValue,
	mov,
} from '../../../src/format/asm/build.js';
import {disassemble, type DisassembleOptions} from '../../../src/format/asm/disassemble.js';

const program = [
	loadMapFd('r1', 3),
	loadMapValue('r2', 4, 16),
	jumpIf('r1', '==', 0, 'out'),
	callSubprogram('handle'),
	jumpFar('out'),
	'out',
	exit(),
	'handle',
	loadFunction('r3', 'handle'),
	mov('r0', 1),
	exit(),
];

const prints = test.macro({
	exec(t, options: DisassembleOptions, ...expected: string[]) {
		const {littleEndian = true} = options;
		const lines = disassemble(assemble(program, littleEndian), {littleEndian, ...options});
		t.deepEqual(
			lines.map(line => line.text),
			expected,
		);
	},
	title: title => `disassembles ${title}`,
});

const bare = [
	'0: (18) r1 = map[fd:3]',
	'2: (18) r2 = map[fd:4][0]+16',
	'4: (15) if r1 == 0x0 goto pc+2 <7>',
	'5: (85) call pc+2 <8>',
	'6: (06) gotol pc+0 <7>',
	'7: (95) exit',
	'8: (18) r3 = func[pc-1] <8>',
	'10: (b7) r0 = 1',
	'11: (95) exit',
];

test('bytes about which nothing else is known', prints, {}, ...bare);
test('the other byte order', prints, {littleEndian: false}, ...bare);
test(
	'with names of functions, maps and source lines',
	prints,
	{
		functions: [
			{slot: 8, name: 'handle'},
			{slot: 0, name: 'xdp_entry'},
		],
		lines: [
			{slot: 0, text: '\tif (!lookup(&flows))'},
			{slot: 5, text: ''},
			{slot: 10, text: '  return 1;  '},
		],
		references: [
			{slot: 0, kind: 'map', map: 'flows', offset: 0},
			{slot: 2, kind: 'map-value', map: '.rodata', offset: 16},
		],
	},
	'xdp_entry:',
	'; if (!lookup(&flows))',
	'0: (18) r1 = map[flows]',
	'2: (18) r2 = map[.rodata][0]+16',
	'4: (15) if r1 == 0x0 goto pc+2 <7>',
	'5: (85) call pc+2 <handle>',
	'6: (06) gotol pc+0 <7>',
	'7: (95) exit',
	'handle:',
	'8: (18) r3 = func[pc-1] <handle>',
	'; return 1;',
	'10: (b7) r0 = 1',
	'11: (95) exit',
);
test(
	'without being misled by a reference that points at no load',
	prints,
	{references: [{slot: 7, kind: 'map', map: 'flows', offset: 0}]},
	...bare,
);

test('control characters in names and source lines do not reach the terminal', t => {
	const [name, source] = disassemble(assemble([exit()]), {
		functions: [{slot: 0, name: 'a\u001b[2Jb'}],
		lines: [{slot: 0, text: 'x\n; y'}],
	});
	t.is(name?.text, 'a [2Jb:');
	t.is(source?.text, '; x ; y');
});

test('every line says the slot it belongs to', t => {
	const lines = disassemble(assemble([mov('r0', 0), exit()]), {
		functions: [{slot: 0, name: 'f'}],
		lines: [{slot: 1, text: 'return 0;'}],
	});
	t.deepEqual(
		lines.map(({kind, slot}) => [kind, slot]),
		[
			['function', 0],
			['instruction', 0],
			['source', 1],
			['instruction', 1],
		],
	);
});
