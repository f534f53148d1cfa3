/** The result of an experiment for a terminal: a table for each measurement, 80 columns. */

import {namesOf, type ExperimentResult} from './result.js';
import {fit, formatNumber, plain} from './text.js';

const width = 80;
const gap = '  ';

/** Parameters with one value only, which a heading says once. */
export function fixedOf(result: ExperimentResult): string[] {
	return Object.keys(result.parameters).filter(name => result.parameters[name]?.length === 1);
}

/** Of each measurement its name and unit, then a line for each combination. */
export function experimentTable(result: ExperimentResult): string {
	const fixed = fixedOf(result);
	const varied = Object.keys(result.parameters).filter(name => !fixed.includes(name));
	const blocks = namesOf(result).map(name => {
		const rows = result.summary.flatMap(({parameters, statistics}) => {
			const found = statistics[name];
			if (!found) return [];
			const numbers = [found.median, found.mad, found.q1, found.q3];
			return [
				[
					...varied.map(each => String(parameters[each])),
					...numbers.map(formatNumber),
					String(found.n),
				],
			];
		});
		const unit = result.units[name];
		const heading = plain(`${name}${unit === undefined ? '' : `, ${unit}`}`);
		return `${fit(heading, width)}\n${format([[...varied, ...columns], ...rows])}`;
	});
	return [...head(result), ...blocks].join('\n');
}

const columns = ['median', '± mad', 'q1', 'q3', 'n'];

function head(result: ExperimentResult): string[] {
	const {machine} = result;
	const fixed = fixedOf(result).map(name => `${name}=${String(result.parameters[name]?.[0])}`);
	const lines = [
		result.experiment,
		...(fixed.length > 0 ? [fixed.join(' ')] : []),
		`Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}`,
		`${result.finished.slice(0, 10)}, skep ${machine.skep}, node ${machine.node}`,
	];
	if (!result.complete) lines.push('not all of it is measured yet');
	return [`${lines.map(line => fit(line, width)).join('\n')}\n`];
}

/** Columns under their names, numbers to the right; the first ones give way to the width. */
function format(rows: readonly (readonly string[])[]): string {
	const [header = [], ...body] = rows.map(row => row.map(plain));
	const widths = header.map((_, i) =>
		Math.max(...[header, ...body].map(row => Array.from(row[i] ?? '').length)),
	);
	const isNumber = header.map((_, i) => body.every(row => Number.isFinite(Number(row[i]))));
	shrink(widths, header.length - columns.length);
	const lines = [header, ...body].map(row =>
		row
			.map((cell, i) => {
				const size = widths[i] ?? 0;
				const text = fit(cell, size);
				const padding = ' '.repeat(size - Array.from(text).length);
				return isNumber[i] === true ? padding + text : text + padding;
			})
			.join(gap)
			.trimEnd(),
	);
	return `${lines.map(line => fit(line, width)).join('\n')}\n`;
}

/** Makes the widest of the first `count` columns narrower, as long as the line is too long. */
function shrink(widths: number[], count: number): void {
	const narrowest = 3;
	const total = (): number =>
		widths.reduce((sum, each) => sum + each, 0) + gap.length * (widths.length - 1);
	while (total() > width) {
		const widest = Math.max(...widths.slice(0, count));
		if (count === 0 || widest <= narrowest) return;
		widths[widths.indexOf(widest)] = widest - 1;
	}
}
