/** What the benchmarks found, as tables or as JSON. */

import type {Timed} from './measure.js';

export interface Figure {
	readonly what: string;
	readonly median: number;
	readonly unit: 'ns' | 'µs' | 'ms' | 'MB' | 'insns' | '/s' | 'Gbit/s' | 'M/s';
	/** Times as fast as the peer of the group. */
	readonly ratio?: number | undefined;
	/** Microseconds of half, and of 99 in 100. */
	readonly latency?: {readonly p50: number; readonly p99: number} | undefined;
	readonly goal?: string | undefined;
	readonly ok?: boolean | undefined;
}

export interface Group {
	readonly name: string;
	readonly title: string;
	/** What a ratio of 1 is as fast as; empty where nothing is compared. */
	readonly peer: string;
	readonly figures: readonly Figure[];
}

/** At least this many times as fast as the peer. */
export function atLeast(goal: number): Goal {
	return {text: `≥ ${goal}`, met: ({ratio = NaN}) => ratio >= goal};
}

/** A median below this, in the figure's unit. */
export function below(goal: number, unit: Figure['unit']): Goal {
	return {text: `< ${goal} ${unit}`, met: ({median}) => median < goal};
}

export interface Goal {
	readonly text: string;
	met(figure: Figure): boolean;
}

/** A figure with its verdict. */
export function judge(figure: Figure, goal: Goal | undefined): Figure {
	return goal === undefined ? figure : {...figure, goal: goal.text, ok: goal.met(figure)};
}

const nanoseconds = {ns: 1, µs: 1e3, ms: 1e6} as const;

/** Figures of a race, which are in nanoseconds, in a unit; goals by what they are of. */
export function figures(
	timed: readonly Timed[],
	unit: keyof typeof nanoseconds,
	goals: Readonly<Record<string, Goal>> = {},
): Figure[] {
	return timed.map(({what, median, ratio}) => {
		const scaled = median / nanoseconds[unit];
		return judge({what, median: scaled, unit, ratio}, goals[what]);
	});
}

/** A group as a table. */
export function formatGroup({title, peer, figures: rows}: Group): string {
	const timed = rows.some(({latency}) => latency !== undefined);
	const cells = [
		[
			'',
			'median',
			peer === '' ? '' : `× ${peer}`,
			...(timed ? ['p50/p99 µs'] : []),
			'goal',
			'',
		],
		...rows.map(({what, median, unit, ratio, latency, goal, ok}) => [
			what,
			`${digits(median)} ${unit}`,
			ratio === undefined ? '' : times(ratio),
			...(timed ? [latency ? `${digits(latency.p50)}/${digits(latency.p99)}` : ''] : []),
			goal ?? '',
			ok === undefined ? '' : ok ? 'ok' : 'missed',
		]),
	];
	const widths = (cells[0] ?? []).map((_, i) =>
		Math.max(...cells.map(row => row[i]?.length ?? 0)),
	);
	const lines = cells.map(row =>
		row
			.map((cell, i) => {
				const width = widths[i] ?? 0;
				return i === 1 || i === 2 ? cell.padStart(width) : cell.padEnd(width);
			})
			.join('  ')
			.trimEnd(),
	);
	return `${title}\n${lines.map(line => `  ${line}`).join('\n')}\n`;
}

function times(ratio: number): string {
	if (ratio < 0.1) return ratio.toPrecision(2);
	return ratio.toFixed(ratio < 10 ? 2 : 1);
}

function digits(value: number): string {
	if (value >= 100) return value.toFixed(0);
	return value.toPrecision(3);
}
