import type {ExecutionContext} from 'ava';
import {
	loadCollection,
	type LoadCollectionOptions,
} from '../../src/object/collection/load-collection.js';
import type {Collection} from '../../src/object/collection/collection.js';
import {readObject} from '../../src/spec/read.js';
import {fixtureObject} from './compile.js';

/** Loads a fixture; it is closed when the test ends. */
export async function loadFixture(
	t: ExecutionContext,
	name: string,
	options: LoadCollectionOptions = {},
): Promise<Collection> {
	const spec = await readObject(await fixtureObject(name));
	const collection = loadCollection(spec, options);
	t.teardown(() => {
		collection.close();
	});
	return collection;
}
