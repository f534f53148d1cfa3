import type {DatapathMaps} from '../../../src/datapath/index.js';
import {flags1, unpackSpread} from '../../../src/datapath/services/flags.js';
import {isWildcard} from '../../../src/datapath/services/read-state.js';
import {frontendOf} from '../../../src/datapath/services/wanted.js';

/** What a packet would miss that finds one of the frontends: nothing, if all is well. */
export function missing(maps: DatapathMaps): string[] {
	const wrong: string[] = [];
	for (const family of [4, 6] as const) {
		const services = maps.require(`services${family}`);
		for (const [key, value] of services) {
			const {address, dport, proto, scope} = key;
			const frontend = frontendOf(family, address, dport, proto, scope);
			const {count, qcount = 0, rev_nat_index: number} = value;
			if (key.backend_slot > 0 || isWildcard(frontend)) continue;
			const miss = (what: string): void => {
				wrong.push(`${frontend.key}: ${what}`);
			};
			for (let slot = 1; slot <= count + qcount; slot++) {
				const {backend_id: id = 0} = services.get({...key, backend_slot: slot}) ?? {};
				if (!maps.require(`backends${family}`).has(id)) miss(`slot ${slot}`);
				const hasAffinity = (value.flags & flags1.affinity) !== 0 && slot <= count;
				const match = {backend_id: id, rev_nat_id: number};
				if (hasAffinity && !maps.require('affinityMatch').has(match)) miss(`match ${id}`);
			}

			const reverse = maps.require(`reverseNat${family}`).get(number);
			if (reverse?.address !== address || reverse.port !== dport) miss('reverse NAT');
			const {algorithm} = unpackSpread(value.affinity_timeout ?? 0);
			const needsTable = algorithm === 'maglev' && count > 0;
			if (needsTable && !maps.require(`maglev${family}`).has(number)) miss('table');
		}
	}

	return wrong;
}

/** Elements of all maps of services. */
export function countElements(maps: DatapathMaps): number {
	const names = [
		...(['services', 'backends', 'reverseNat', 'sourceRange', 'maglev'] as const).flatMap(
			name => [`${name}4`, `${name}6`] as const,
		),
		'affinityMatch',
	] as const;
	let count = 0;
	for (const name of names)
		for (const batch of maps.require(name).batches()) count += batch.count;
	return count;
}
