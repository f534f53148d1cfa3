/** Which links make one segment: those that bridges join. */

import type {LinkOptions} from './topology.js';

/** The segment of each link, numbered in the order of links. */
export function joinSegments(
	links: readonly Pick<LinkOptions, 'between'>[],
	isBridge: (name: string) => boolean,
): number[] {
	const bridges = new Map<string, number>();
	let segments: number[] = [];
	links.forEach(({between}, i) => {
		const joined = between.filter(isBridge);
		const known = joined.flatMap(name => bridges.get(name) ?? []);
		const segment = Math.min(i, ...known);
		// Links that were apart until now.
		segments = segments.map(other => (known.includes(other) ? segment : other));
		for (const [name, other] of bridges) if (known.includes(other)) bridges.set(name, segment);
		for (const name of joined) bridges.set(name, segment);
		segments.push(segment);
	});
	const order = [...new Set(segments)];
	return segments.map(segment => order.indexOf(segment));
}
