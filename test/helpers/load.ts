import type {ExecutionContext} from 'ava';
import {
	loadCollection,
	type LoadCollectionOptions,
} from '../../src/object/collection/load-collection.js';
import type {Collection} from '../../src/object/collection/collection.js';
import {readObject} from '../../src/spec/read.js';
import {fixtureObject} from './compile.js';

/** Loads a fixture, with load-time constants set; it is closed when the test ends. */
export async function loadFixture(
	t: ExecutionContext,
	name: string,
	options: LoadCollectionOptions = {},
	constants: Readonly<Record<string, unknown>> = {},
): Promise<Collection> {
	const spec = await readObject(await fixtureObject(name));
	for (const [variable, value] of Object.entries(constants)) spec.variables[variable]?.set(value);
	const collection = loadCollection(spec, options);
	t.teardown(() => {
		collection.close();
	});
	return collection;
}
