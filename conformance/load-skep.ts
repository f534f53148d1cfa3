/** Loads an object by skep, in the namespaces of this process. */

import {isEbpfError, loadCollectionAsync, readObject} from '../src/index.js';
import {mapFacts, programFacts} from './facts.js';
import type {Outcome, SectionReadings} from './outcome.js';
import {hasOwnMeaning} from './peer.js';

/** Programs without an attach type have this one, whose number is 0. */
const noAttachType = 'cgroup_inet_ingress';

/** How skep reads the names of code sections; none where it cannot read the object. */
export async function sectionsOfSkep(file: string): Promise<SectionReadings> {
	try {
		const {programs} = await readObject(file);
		return Object.values(programs)
			.map(
				({section, type, attachType}) =>
					`${section.replace(/^\?/, '')}\t${type}\t${attachType ?? noAttachType}`,
			)
			.filter(line => !hasOwnMeaning(line));
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
		const programs = Object.entries(collection.programs).map(
			([name, program]) => [name.replaceAll('.', '_'), programFacts(program, names)] as const,
		);
		return {
			facts: {
				programs: Object.fromEntries(programs),
				maps: maps.map(([, description]) => description).sort(),
			},
		};
	} catch (error) {
		if (isEbpfError(error)) return {error: error.message};
		throw error;
	}
}
