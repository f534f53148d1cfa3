const longest = 128;

/**
 * The candidate that `name` may be a misspelling of, for "did you mean" in messages: at most a
 * third of its letters differ. Letter case does not count. Undefined when nothing is that near.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
	if (name.length > longest) return undefined;
	const wanted = name.toLowerCase();
	let best: string | undefined;
	let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
	for (const candidate of candidates) {
		if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
		const distance = editDistance(wanted, candidate.toLowerCase());
		if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
	}

	return best;
}

/** How many letters to insert, delete or replace to make one text the other (Levenshtein). */
function editDistance(from: string, to: string): number {
	let row = Array.from({length: to.length + 1}, (_, index) => index);
	for (let i = 1; i <= from.length; i++) {
		const next = [i];
		for (let j = 1; j <= to.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
			next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}

		row = next;
	}

	return row[to.length] ?? 0;
}
