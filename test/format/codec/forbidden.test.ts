import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import test from 'ava';

const script = `
const [codec, types] = process.argv.slice(1);
const {createCodec} = await import(codec);
const {Types, viewOfHex} = await import(types);
let forbidden = false;
try { new Function('return 1'); } catch { forbidden = true; }
const built = new Types();
const id = built.struct('pair', 8, [['a', built.u32, 0], ['b', built.u16, 4]]);
const read = createCodec(built.parse(), id, {littleEndian: true});
const view = viewOfHex('0100000002000000');
const cursor = read.cursor();
cursor.move(view, 0);
console.log(JSON.stringify([forbidden, read.decode(view, 0), read.toJson(view, 0), cursor.value.b]));
`;

const inProcess = test.macro({
	async exec(t, flags: readonly string[], forbidden: boolean) {
		const codec = new URL('../../../src/format/codec/codec.js', import.meta.url).href;
		const types = new URL('../btf/types.js', import.meta.url).href;
		const {stdout} = await promisify(execFile)(process.execPath, [
			...flags,
			'--input-type=module',
			'--eval',
			script,
			codec,
			types,
		]);
		t.deepEqual(JSON.parse(stdout), [forbidden, {a: 1, b: 2}, '{"a":1,"b":2}', 2]);
	},
	title: (_, __, forbidden: boolean) =>
		`values are read where generating code is ${forbidden ? 'forbidden' : 'allowed'}`,
});

test(inProcess, [], false);
test(inProcess, ['--disallow-code-generation-from-strings'], true);
