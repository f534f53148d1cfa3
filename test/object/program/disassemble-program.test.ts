import {
	disassembleProgram,
	jitedFunctions,
} from '../../../src/object/program/disassemble-program.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const test = kernelTest({feature: 'programs with types', since: '5.4'});

test('instructions and machine code of a loaded program are told by function', async t => {
	const {programs} = await loadFixture(t, 'kernel/globals');
	const program = programs['count_packets'];
	if (program === undefined) return t.fail();
	const lines = disassembleProgram(program);
	t.is(lines[0]?.text, 'count_packets:');
	t.true(lines.some(({text}) => /map\[[^\]]*\.rodata\]\[0\]\+\d+$/.test(text)));
	const [jited, ...rest] = jitedFunctions(program);
	t.is(jited?.name, 'count_packets');
	t.is(jited?.code.length, program.jited().length);
	t.is(rest.length, 0);
	const offsets = jited?.lines.map(({offset}) => offset) ?? [];
	t.deepEqual(
		offsets,
		offsets.toSorted((a, b) => a - b),
	);
	t.true(jited?.lines.some(({text}) => text.includes('__sync_fetch_and_add(&packets, 1)')));
});
