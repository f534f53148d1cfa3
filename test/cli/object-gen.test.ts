import {readFile} from 'node:fs/promises';
import test from 'ava';
import {skep} from '../helpers/cli.js';
import {fixtureObject} from '../helpers/compile.js';
import {makeTempFolder} from '../helpers/temp.js';

test('object gen writes a module that knows the way to its object', async t => {
	const folder = await makeTempFolder(t);
	const object = await fixtureObject('kernel/globals');
	const {code, out, err} = await skep('object', 'gen', object, '--out', `${folder}/own.ts`);
	t.deepEqual([code, out, err], [0, '', '']);
	const text = await readFile(`${folder}/own.ts`, 'utf8');
	t.regex(text, /new URL\('\.\.\/.*\.bpf\.o', import\.meta\.url\)/);
	t.true(text.includes('export interface Limits {'));
	const printed = await skep('object', 'gen', object, '--type', 'xdp_md', '--from', './skep.js');
	t.regex(
		printed.out,
		/export interface XdpMd \{[^]*from '\.\/skep\.js'|from '\.\/skep\.js'[^]*XdpMd \{/,
	);
	const none = await skep('object', 'gen', object, '--type', 'nothing');
	t.is(none.code, 2);
	t.regex(none.err, /it has no type "nothing"/);
});
