import test from 'ava';
import {jsonOf} from '../../src/base/json.js';

const written = test.macro({
	exec(t, value: unknown, text: string) {
		t.is(jsonOf(value), text);
	},
	title: (_, __, text: string) => `JSON: ${text}`,
});

test(written, 18_446_744_073_709_551_615n, '18446744073709551615');
test(written, [-1n, 0.5, true, null], '[-1,0.5,true,null]');
test(written, new Uint8Array([0, 255]), '"00ff"');
test(written, {a: {b: 'x"y'}, left: undefined}, '{"a":{"b":"x\\"y"}}');
test(written, new Map([['k', 1n]]), '{"k":1}');
test(written, [Infinity, undefined], '[null,null]');
