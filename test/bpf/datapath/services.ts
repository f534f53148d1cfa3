/** Services of the tables. */

import type {ExecutionContext} from 'ava';

import {createMap} from '../../../src/object/map/create-map.js';
import {writeService, type WrittenBackend, type WrittenService} from '../../helpers/services.js';
import type {GuardedNode} from './guarded-node.js';
import type {Family, Person} from './people.js';

export type {ServiceFlag} from '../../helpers/services.js';

/** What services are written to. */
export const serviceMaps = [
	...([
		'services4',
		'services6',
		'backends4',
		'backends6',
		'reverseNat4',
		'reverseNat6',
	] as const),
	...(['affinity4', 'affinity6', 'affinityMatch', 'sourceRange4', 'sourceRange6'] as const),
] as const;

/** Its number is its place, from 1 on, its port 8080 unless given. */
export interface TestBackend extends Omit<Partial<WrittenBackend>, 'address'> {
	readonly at: Person;
}

/** TCP at port 80 of the person `service`, with the number 7, unless given. */
export interface TestService extends Omit<Partial<WrittenService>, 'address' | 'backends'> {
	readonly at?: Person;
	readonly backends?: readonly TestBackend[];
}

export function installService(
	{maps}: Pick<GuardedNode, 'maps'>,
	f: Family,
	{at = 'service', backends = [], ...service}: TestService,
): void {
	const addressed = backends.map(({at: who, ...backend}, i) => ({
		...{id: i + 1, port: 8080, address: f.address[who]},
		...backend,
	}));
	const usual = {id: 7, port: 80, address: f.address[at]};
	writeService(maps, {...usual, ...service, backends: addressed});
}

/** Gives a service a table in which each place has the backend that is named for it. */
export function installMaglev(
	t: ExecutionContext,
	{maps}: Pick<GuardedNode, 'maps'>,
	f: Family,
	id: number,
	backendOf: readonly number[],
): void {
	const table = createMap({
		...{type: 'array', name: 'maglev_table', keySize: 4, maxEntries: 1},
		valueSize: backendOf.length * 4,
	});
	t.teardown(() => {
		table.close();
	});
	table.raw.set(Buffer.alloc(4), Buffer.from(Uint32Array.from(backendOf).buffer));
	maps.require(f.is6 ? 'maglev6' : 'maglev4').set(id, table);
}
