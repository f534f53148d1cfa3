/** Which lines a chart has, and through which points they go. */

import type {ReportData} from './report.js';

export interface Point {
	/** The parameter's value where it is a number, otherwise its index. */
	readonly x: number;
	readonly median: number;
	readonly q1: number;
	readonly q3: number;
}

export interface Series {
	/** The other parameters that vary: `family=ipv6`; empty where none does. */
	readonly label: string;
	readonly points: readonly Point[];
}

/** Of one parameter. */
export type Values = readonly (string | number | boolean)[];

export function isNumeric(values: Values): boolean {
	return values.every(value => typeof value === 'number');
}

/** So far apart that small ones are not told apart on a plain scale. */
export function isWide(values: readonly number[]): boolean {
	const low = Math.min(...values);
	return low > 0 && Math.max(...values) / low >= 50;
}

/** Where a logarithmic axis has its numbers: powers of ten, and 2 and 5 of each where they fit. */
export function logTicks(low: number, high: number): number[] {
	const digits = high / low > 1e4 ? [1] : [1, 2, 5];
	const ticks: number[] = [];
	for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
		// The text, because powers of ten below one are not exact.
		ticks.push(...digits.map(digit => Number(`${digit}e${power}`)));
	}

	return ticks.filter(tick => tick >= low && tick <= high);
}

/** What a chart may go along: numbers with the most values first, then words. */
export function axisNames({parameters}: ReportData): string[] {
	const all = Object.keys(parameters);
	const varied = all.filter(name => (parameters[name]?.length ?? 0) > 1);
	const weight = (name: string): number => {
		const values = parameters[name] ?? [];
		return (isNumeric(values) ? 1e6 : 0) + values.length;
	};
	return (varied.length > 0 ? varied : all).sort((a, b) => weight(b) - weight(a));
}

/** The values along the chart, and a line for each combination of the other parameters. */
export function seriesOf(
	data: ReportData,
	name: string,
	along: string,
): {values: Values; series: Series[]} {
	const declared = data.parameters[along] ?? [];
	const numeric = isNumeric(declared);
	const values = numeric ? [...declared].sort((a, b) => Number(a) - Number(b)) : declared;
	const others = Object.keys(data.parameters).filter(
		each => each !== along && (data.parameters[each]?.length ?? 0) > 1,
	);
	const series = new Map<string, Point[]>();
	for (const {parameters, statistics} of data.summary) {
		const found = statistics[name];
		const value = parameters[along];
		if (!found || value === undefined) continue;
		const label = others.map(each => `${each}=${String(parameters[each])}`).join(', ');
		const points = series.get(label) ?? [];
		const x = typeof value === 'number' && numeric ? value : values.indexOf(value);
		points.push({x, median: found.median, q1: found.q1, q3: found.q3});
		series.set(label, points);
	}

	return {
		values,
		series: [...series].map(([label, points]) => ({
			label,
			points: points.sort((a, b) => a.x - b.x),
		})),
	};
}
