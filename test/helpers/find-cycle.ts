/** The first way found from a file back to itself. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
	const finished = new Set<string>();
	const walk = (path: string, above: readonly string[]): string[] | undefined => {
		if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
		if (finished.has(path)) return undefined;
		for (const next of graph.get(path) ?? []) {
			const cycle = walk(next, [...above, path]);
			if (cycle) return cycle;
		}
		finished.add(path);
		return undefined;
	};
	for (const path of graph.keys()) {
		const cycle = walk(path, []);
		if (cycle) return cycle;
	}
	return undefined;
}
