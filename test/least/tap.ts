/** One test of a TAP report. */
export interface TapResult {
	readonly ok: boolean;
	readonly title: string;
	/** What is said of its failure. */
	readonly detail: string;
}

/** Reads what ava reports. */
export function readTap(report: string): TapResult[] {
	return report.split(/^(?=ok |not ok )/m).flatMap(block => {
		const [, word, title] = /^(ok|not ok) \d+ - (.*)$/m.exec(block) ?? [];
		if (word === undefined || title === undefined) return [];
		return [{ok: word === 'ok', title, detail: block.slice(block.indexOf('\n') + 1)}];
	});
}
