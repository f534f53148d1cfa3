/** Loads an object by skep, in the namespaces of this process. */

import {isEbpfError, loadCollectionAsync, readObject} from '../src/index.js';
import {mapFacts, programFacts} from './facts.js';
import type {Outcome, SectionReading} from './outcome.js';

/** How skep reads the names of code sections; none where it cannot read the object. */
export async function readSections(file: string): Promise<SectionReading[]> {
	try {
		const {programs} = await readObject(file);
		return Object.values(programs).map(({section, type, attachType}) => ({
			section,
			type,
			attachType: attachType ?? '',
		}));
	} catch (error) {
		if (isEbpfError(error)) return [];
		throw error;
	}
}

export async function loadBySkep(file: string, pinRoot: string): Promise<Outcome> {
	try {
		const spec = await readObject(file);
		using collection = await loadCollectionAsync(spec, {pinRoot});
		const maps = Object.values(collection.maps).map(
			map => [map.info.id, mapFacts(map)] as const,
		);
		const names = new Map(maps);
		return {
			facts: {
				programs: Object.fromEntries(
					Object.entries(collection.programs).map(([name, program]) => [
						name.replaceAll('.', '_'),
						programFacts(program, names),
					]),
				),
				maps: maps.map(([, description]) => description).sort(),
			},
		};
	} catch (error) {
		if (isEbpfError(error)) return {error: error.message};
		throw error;
	}
}
