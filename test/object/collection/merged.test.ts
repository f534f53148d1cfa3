import test from 'ava';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});

// Of 64 bytes the first element is taken, of 67 the fourth: "a" is 97.
const found = test.macro({
	async exec(t, name: string, flags: string[], at64: number, at67: number, typed: string[]) {
		const spec = await readObject(await fixtureObject(name, flags));
		using collection = loadCollection(spec);
		t.deepEqual(collection.typesLeftOut, []);
		const program = collection.program('merged');
		t.is(program.run({data: new Uint8Array(64)}).returnValue, at64);
		t.is(program.run({data: new Uint8Array(67)}).returnValue, at67);
		const variables = Object.values(spec.variables).filter(({typeId}) => typeId !== 0);
		t.deepEqual(
			variables.map(({name}) => name),
			typed,
		);
	},
	title: (what = '') => `${what} are found by the program, whatever types say of their section`,
});

kernel('constants that may be merged', found, 'spec/merged', [], 97 + 40 + 3, 40 + 1, ['stays']);
kernel('constants that may be merged, all of them', found, 'spec/merged_all', [], 97, 0, []);
kernel(
	'variables of sections of their own',
	found,
	'spec/merged',
	['-fdata-sections'],
	97 + 40 + 3,
	40 + 1,
	[],
);
