import {writeFile} from 'node:fs/promises';
import test from 'ava';
import {symbolNames} from '../../../src/kernel/host/symbol-names.js';
import {makeTempFolder} from '../../helpers/temp.js';

const table = `ffffffff81000000 T _stext
ffffffff81000010 t first_of_two
ffffffff81000010 T second
ffffffffc0000020 t module_function	[module]
`;

test('addresses are named by the first symbol that begins there', async t => {
	const path = `${await makeTempFolder(t)}/kallsyms`;
	await writeFile(path, table);
	const wanted = [
		0xffffffff81000000n,
		0xffffffff81000010n,
		0xffffffffc0000020n,
		0xffffffff81000001n,
	];
	t.deepEqual(
		[...symbolNames(wanted, path)],
		[
			[0xffffffff81000000n, '_stext'],
			[0xffffffff81000010n, 'first_of_two'],
			[0xffffffffc0000020n, 'module_function'],
		],
	);
});

test('where addresses are hidden, or there is no table, nothing is named', async t => {
	const path = `${await makeTempFolder(t)}/kallsyms`;
	await writeFile(path, '0000000000000000 T _stext\n');
	t.is(symbolNames([0n, 0xffffffff81000000n], path).size, 0);
	t.is(symbolNames([1n], `${path}.none`).size, 0);
});
