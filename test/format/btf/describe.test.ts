import test from 'ava';
import {describeType} from '../../../src/format/btf/describe.js';
import {fixtureTypes, Types} from './types.js';

const member = test.macro({
	async exec(t, struct: string, name: string, type: string, declaration: string) {
		const btf = await fixtureTypes();
		const typeId = btf.find(struct, 'struct')?.members.find(each => each.name === name)?.typeId;
		if (typeId === undefined) throw new Error('no such member');
		t.is(describeType(btf, typeId), type);
		t.is(describeType(btf, typeId, name), declaration);
	},
	title: (_, __, name: string, ___, declaration: string) => `${name} is ${declaration}`,
});

test(member, 'integers', 'a', 'u8', 'u8 a');
test(member, 'lists', 'grid', 'u8[2][3]', 'u8 grid[2][3]');
test(member, 'lists', 'points', 'struct point[2]', 'struct point points[2]');
test(member, 'tuple', 'word', 'union word', 'union word word');
test(member, 'enums', 'sign', 'enum sign', 'enum sign sign');
test(member, 'pointers', 'any', 'void *', 'void *any');
test(member, 'pointers', 'text', 'const char *', 'const char *text');
test(
	member,
	'pointers',
	'call',
	'int (*)(struct point *, int)',
	'int (*call)(struct point *, int)',
);
test(member, 'chain', 'next', 'struct chain *', 'struct chain *next');
test(member, 'chain', 'value', 'const volatile u32', 'const volatile u32 value');

test('functions, variables and what has no name are described', async t => {
	const btf = await fixtureTypes();
	const of = (name: string, kind: 'func' | 'var'): string =>
		describeType(btf, btf.find(name, kind)?.id ?? 0);
	t.is(of('program', 'func'), 'int program(void *context)');
	t.is(of('other', 'func'), 'int other(void)');
	t.is(of('counter', 'var'), 'volatile u32 counter');
	t.is(of('load_time', 'var'), 'const volatile double load_time');
	t.is(describeType(btf, 0), 'void');
	const types = new Types();
	t.is(describeType(types.parse(), types.u32), 'u32');
	const nameless = types.struct('', 0, []);
	t.is(describeType(types.parse(), nameless), 'struct {…}');
});

test('a description stays on one short line', t => {
	const types = new Types();
	const odd = types.typedef(`a\nb\u001b[31m${'x'.repeat(1000)}`, types.u32);
	const first = types.builder.nextId;
	const parameters = Array.from({length: 50}, () => ({name: 'p', typeId: first + 1}));
	const prototype = types.add({kind: 'func_proto', name: '', returnTypeId: 0, parameters});
	types.add({kind: 'ptr', name: '', typeId: prototype});
	const btf = types.parse();
	for (const id of [odd, prototype]) {
		const text = describeType(btf, id);
		t.true(text.length < 2000);
		t.notRegex(text, /\p{Cc}/u);
	}
});
