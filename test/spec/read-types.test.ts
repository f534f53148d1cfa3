import {writeFile} from 'node:fs/promises';
import test from 'ava';
import {readTypes} from '../../src/spec/read-types.js';
import {compile, fixtureObject} from '../helpers/compile.js';
import {makeTempFolder} from '../helpers/temp.js';

test('types are read from an object and from BTF as it is', async t => {
	const folder = await makeTempFolder(t);
	const object = await readTypes(await fixtureObject('btf/types'));
	await writeFile(`${folder}/types.btf`, object.bytes);
	const alone = await readTypes(`${folder}/types.btf`);
	t.is(alone.typeCount, object.typeCount);
	t.not(object.find('padded', 'struct'), undefined);
});

test('a file without types says so', async t => {
	const folder = await makeTempFolder(t);
	await writeFile(`${folder}/text`, 'nothing');
	await t.throwsAsync(readTypes(`${folder}/text`), {code: 'ERR_ELF'});
	await t.throwsAsync(readTypes(folder), {code: 'ERR_SPEC', message: /: EISDIR$/});
	const plain = await compile('int x;', ['-g0']);
	await t.throwsAsync(readTypes(plain), {code: 'ERR_SPEC', message: /no section "\.BTF"/});
});
