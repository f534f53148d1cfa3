import {largest, largeSource} from '../../../bench/large-object-source.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'BTF of functions and lines', since: '5.2'});

kernel('an object of 60,000 instructions, 35 programs and 70 maps is loaded', async t => {
	const spec = await readObject(await compile(largeSource(largest)));
	const sizes = Object.values(spec.programs).map(({instructions}) => instructions.length / 8);
	const size = sizes.reduce((sum, each) => sum + each, 0);
	t.true(size > 50_000 && size < 70_000, String(size));
	using loaded = loadCollection(spec);
	t.is(Object.keys(loaded.programs).length, 35);
	// One more is the section of constants.
	t.is(Object.keys(loaded.maps).length, 71);
	const [first] = Object.values(loaded.programs);
	const {returnValue} = first?.run({data: new Uint8Array(64)}) ?? {};
	t.true(returnValue === 0 || returnValue === 1);
});

kernel('a program with more maps than the kernel allows is refused for that', async t => {
	const source = largeSource({programs: 1, maps: 64, lookUps: 64}, 64);
	const spec = await readObject(await compile(source));
	t.throws(() => loadCollection(spec), {
		code: 'ERR_VERIFIER',
		message: /^load program "program_0": too many maps: it uses 65, a program may use 64: /,
	});
});
