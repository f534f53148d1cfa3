import {assemble} from '../../../src/format/asm/assemble.js';
import {
	add,
	and,
	atomic,
	call,
	callSubprogram,
	exit,
	jumpIf,
	load,
	loadNumber,
	mov,
	rsh,
	store,
	swap,
} from '../../../src/format/asm/build.js';
import {disassemble} from '../../../src/format/asm/disassemble.js';
import {addon} from '../../../src/kernel/sys/addon.js';
import {programLoad} from '../../../src/kernel/sys/program.js';
import {programTypeNumber} from '../../../src/uapi/program-types.js';
import {kernelTest} from '../../helpers/kernel.js';

const test = kernelTest({feature: 'programs that call subprograms', since: '4.16'});

test('the running kernel accepts what is assembled, and prints it in the same words', t => {
	const instructions = assemble([
		mov('r6', 'r1'),
		loadNumber('r7', 0x1_0000_0001n),
		store('u64', 'r10', -8, 'r7'),
		store('u32', 'r10', -16, 9),
		atomic('add', 'u64', 'r10', -8, 'r7'),
		load('r8', 'u16', 'r10', -8),
		swap('be', 'r8', 16),
		rsh('r8', 3),
		and('w8', 0xff),
		call('ktime_get_ns'),
		mov('r1', 'r8'),
		callSubprogram('double'),
		jumpIf('w0', 's>', 7, 'out'),
		mov('r0', 0),
		'out',
		mov('r0', 1),
		exit(),
		'double',
		mov('r0', 'r1'),
		add('r0', 'r1'),
		exit(),
	]);
	const log = new Uint8Array(1 << 16);
	const {result} = programLoad({
		type: programTypeNumber('sched_cls'),
		instructions,
		license: 'GPL',
		name: 'skep_asm',
		flags: 0,
		attachType: 0,
		logLevel: 2,
		log,
	});
	if (result >= 0) addon.closeFd(result);
	t.true(result >= 0, `load: ${result}`);

	const text = Buffer.from(log).toString('latin1');
	const printed = new Map(
		[...text.matchAll(/^(\d+): (\(\w\w\) .*?)(?: +;.*| \d+: R.*)?$/gm)].map(match => [
			Number(match[1]),
			(match[2] ?? '').trimEnd(),
		]),
	);
	const ours = disassemble(instructions).map(
		line => [line.slot, line.text.replace(/^\d+: /, '').replace(/ <\w+>$/, '')] as const,
	);
	t.deepEqual(
		[...printed].sort(([a], [b]) => a - b),
		ours.map(each => [...each]),
	);
});
