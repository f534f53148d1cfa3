import {readFile} from 'node:fs/promises';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {verifyCollection} from '../../../src/object/collection/verify-collection.js';
import {parseObject, readObject} from '../../../src/spec/read.js';
import {compile, fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});
const source = new URL('../../../../test/fixtures/kernel/deep_types.bpf.c', import.meta.url);

kernel('an object whose types the kernel refuses is loaded without them', async t => {
	const spec = await readObject(await fixtureObject('kernel/deep_types'));
	using collection = loadCollection(spec);
	t.is(collection.typesRefusal?.code, 'ERR_BTF_LOAD');
	t.regex(collection.typesRefusal?.message ?? '', /max resolving depth/);
	t.deepEqual(collection.typesLeftOut, []);
	t.is(collection.program('needs_no_types').run().verdict, 'aborted');
	t.is(collection.program('needs_no_types').info().btfId, 0);
	t.is(collection.map('.bss').info.valueTypeId, 0);
	// Neither does skep follow them that deep, but nobody asked for the value.
	t.throws(() => collection.variable('deepest').get(), {code: 'ERR_CODEC'});
	for (const {error} of verifyCollection(spec)) t.is(error, undefined);
});

kernel('where types were needed, their refusal is named first', async t => {
	const file = await compile(await readFile(source, 'utf8'), ['-DWITH_LOCK']);
	const spec = parseObject(await readFile(file), {name: 'deep'});
	const message =
		/^load types of "deep": .* max resolving depth:\d+; without them: load program "needs_types": .*BTF/;
	const error = t.throws(() => loadCollection(spec), {code: 'ERR_BTF_LOAD', message});
	t.is((error.cause as {code?: string}).code, 'ERR_VERIFIER');
	const verified = [...verifyCollection(spec, {programs: ['needs_types']})];
	t.regex(verified[0]?.error?.message ?? '', /; without them: load program "needs_types"/);
});
