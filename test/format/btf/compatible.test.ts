import test from 'ava';
import {areCompatible} from '../../../src/format/btf/compatible.js';
import {Types} from './types.js';

/** Two sets of types whose ids differ, as those of an object and a kernel do. */
function pair(): {local: Types; target: Types} {
	const target = new Types();
	target.typedef('only_here', target.u8);
	return {local: new Types(), target};
}

type Make = (types: Types) => number;

const pointer =
	(make: Make): Make =>
	types =>
		types.add({kind: 'ptr', name: '', typeId: make(types)});
const composite =
	(name: string, size = 4, kind: 'struct' | 'union' = 'struct'): Make =>
	types =>
		types.struct(name, size, [], kind);
const declared: Make = types => types.add({kind: 'fwd', name: 'task', forwardKind: 'struct'});
const array =
	(make: Make, length: number): Make =>
	types =>
		types.array(make(types), length);
const number: Make = types => types.u32;
const wide: Make = types => types.u64;
const nothing: Make = () => 0;
const alias =
	(make: Make): Make =>
	types =>
		types.typedef('alias', make(types));
const calls =
	(returns: Make, ...takes: readonly Make[]): Make =>
	types => {
		const parameters = takes.map(make => ({name: 'p', typeId: make(types)}));
		const returnTypeId = returns(types);
		const typeId = types.add({kind: 'func_proto', name: '', returnTypeId, parameters});
		return types.add({kind: 'func', name: 'f', typeId, linkage: 'global'});
	};

const compared = test.macro({
	exec(t, expected: boolean, _what: string, mine: Make, theirs: Make) {
		const {local, target} = pair();
		const [a, b] = [mine(local), theirs(target)];
		t.is(areCompatible(local.parse(), a, target.parse(), b), expected);
	},
	title: (_, expected: boolean, what: string) =>
		`${what} ${expected ? 'may be a declaration' : 'is no declaration'}`,
});

test(compared, true, 'a number of another size', number, wide);
test(compared, true, 'a typedef', alias(number), number);
test(compared, true, 'a struct that is only declared', pointer(declared), pointer(composite('t')));
test(compared, true, 'a struct of another name', composite('a'), composite('b', 8));
test(compared, true, 'an array of another length', array(number, 2), array(number, 3));
test(compared, true, 'the same function', calls(number, wide), calls(number, wide));
test(compared, false, 'a function of more parameters', calls(number, wide), calls(number));
test(compared, false, 'a function of fewer parameters', calls(number), calls(number, wide));
test(compared, false, 'a function of another result', calls(nothing), calls(number));
test(compared, false, 'another parameter', calls(number, pointer(number)), calls(number, wide));
test(compared, false, 'a pointer for a number', pointer(number), number);
test(compared, false, 'an array of others', array(pointer(number), 2), array(number, 2));

test('types that go around in circles are compared in bounded time', t => {
	const circle = (): Types => {
		const types = new Types();
		const id = types.builder.nextId;
		types.add({kind: 'ptr', name: '', typeId: id + 1});
		types.add({kind: 'ptr', name: '', typeId: id});
		return types;
	};
	const [local, target] = [circle(), circle()];
	const id = local.builder.nextId - 1;
	t.true(areCompatible(local.parse(), id, target.parse(), id));
});
