/** Versions of the datapath whose layouts are known, oldest first; `skep` is this package's own. */
export const layoutVersions = ['1.15', '1.16', '1.17', '1.18', '1.19', 'skep'] as const;

/** A version of Cilium, or skep. */
export type LayoutVersion = (typeof layoutVersions)[number];

/** `1.18`, `1.15-1.17`, `1.18-` for that one and all after it. */
export type VersionRange =
	LayoutVersion | `${LayoutVersion}-${LayoutVersion}` | `${LayoutVersion}-`;

/** The versions of a range, oldest first. */
export function versionsIn(range: VersionRange): readonly LayoutVersion[] {
	const [first, last] = range.split('-') as [LayoutVersion, (LayoutVersion | '')?];
	const begin = layoutVersions.indexOf(first);
	const end = last === '' ? layoutVersions.length - 1 : layoutVersions.indexOf(last ?? first);
	return layoutVersions.slice(begin, end + 1);
}
