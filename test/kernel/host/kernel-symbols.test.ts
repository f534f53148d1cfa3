import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {KernelSymbolError, KernelSymbols} from '../../../src/kernel/host/kernel-symbols.js';
import {makeTempFolder} from '../../helpers/temp.js';

const lines = [
	'ffffffff81000000 T _text',
	'ffffffff81000010 t text',
	'ffffffff81000020 t twice',
	'ffffffff81000030 t twice',
	'ffffffff81000040 D alias',
	'ffffffff81000040 d alias',
	'0000000000000000 D hidden',
	'ffffffffc0000000 t in_module\t[module]',
	'ffffffff81000050 T last',
].join('\n');

test('an address is found by its whole name', async t => {
	const path = join(await makeTempFolder(t), 'kallsyms');
	await writeFile(path, lines);
	const symbols = new KernelSymbols(path);
	t.is(symbols.address('_text'), 0xffff_ffff_8100_0000n);
	t.is(symbols.address('text'), 0xffff_ffff_8100_0010n);
	t.is(symbols.address('in_module'), 0xffff_ffff_c000_0000n);
	t.is(symbols.address('last'), 0xffff_ffff_8100_0050n);
	t.is(symbols.address('alias'), 0xffff_ffff_8100_0040n);
	for (const name of ['tex', '', 'las', 'module', '[module]', 'text\nffffffff81000020 t twice']) {
		t.is(symbols.address(name), undefined, name);
	}

	t.true(symbols.has('twice'));
	t.false(symbols.has('twic'));
	t.throws(() => symbols.address('twice'), {
		instanceOf: KernelSymbolError,
		message: 'find kernel symbol "twice": 2 symbols have this name',
	});
	t.throws(() => symbols.address('hidden'), {
		instanceOf: KernelSymbolError,
		message:
			'find kernel symbol "hidden": addresses are hidden (kernel.kptr_restrict): CAP_SYSLOG is needed',
	});
	t.throws(() => new KernelSymbols('/proc/no/kallsyms').address('text'), {
		instanceOf: KernelSymbolError,
	});
});
