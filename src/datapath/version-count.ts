/** What several maps of one node say of its version together. */

import {layoutVersions, type LayoutVersion} from './layout/versions.js';

/** Versions that are possible for one map; none where its layout is not known. */
export type PossibleVersions = readonly LayoutVersion[];

export interface VersionCount {
	/** Versions that all maps agree on; none where they do not. */
	readonly agreed: ReadonlySet<LayoutVersion>;
	/** Versions by how many maps speak for them, the most first, and of equals the newest. */
	readonly ranked: readonly LayoutVersion[];
}

/** Counts the maps that speak for each version. */
export function countVersions(maps: readonly PossibleVersions[]): VersionCount {
	const known = maps.filter(versions => versions.length > 0);
	// Maps of skep's own have no others for their neighbours, and where there are none it is not skep.
	const own = known.some(versions => versions.length === 1 && versions[0] === 'skep');
	const eligible = layoutVersions.filter(version => (version === 'skep') === own);
	const votes = (version: LayoutVersion): number =>
		known.filter(versions => versions.includes(version)).length;
	const agreed = eligible.filter(version => votes(version) === known.length);
	const ranked = [...eligible].reverse().sort((a, b) => votes(b) - votes(a));
	return {agreed: new Set(agreed), ranked};
}
