/** Draws the charts of an experiment's report from the data that lies in the page. */

import uPlot from 'uplot';

import {formatNumber} from '../src/lab/experiment/text.js';
import type {ReportData} from '../src/lab/experiment/report.js';
import {
	axisNames,
	isNumeric,
	isWide,
	logTicks,
	seriesOf,
	type Series,
	type Values,
} from '../src/lab/experiment/series.js';

/** Told apart also by those who see fewer colours (Okabe and Ito); each on both backgrounds. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c8c8c'];
const dashes = [[], [8, 4], [2, 3]];
const height = 360;

interface Choice {
	x: string;
	logX: boolean;
	logY: boolean;
}

const data = JSON.parse(document.querySelector('#data')?.textContent ?? '') as ReportData;

for (const [index, name] of data.names.entries()) {
	const place = document.querySelector<HTMLElement>(`#chart-${index}`);
	const [first] = axisNames(data);
	if (!place || first === undefined) continue;
	const choice: Choice = {x: first, logX: false, logY: false};
	choose(choice, name);
	const chart = document.createElement('div');
	let plot: uPlot | undefined;
	const draw = (): void => {
		plot?.destroy();
		plot = plotOf(chart, name, choice);
	};
	place.append(choicesOf(choice, name, draw), chart);
	draw();
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
	new ResizeObserver(() => plot?.setSize({width: place.clientWidth, height})).observe(place);
}

/** Logarithmic where values lie far apart. */
function choose(choice: Choice, name: string): void {
	const {values, series} = seriesOf(data, name, choice.x);
	choice.logX = isNumeric(values) && isWide(values as number[]);
	choice.logY = isWide(series.flatMap(one => one.points.flatMap(({q1, q3}) => [q1, q3])));
}

function choicesOf(choice: Choice, name: string, draw: () => void): HTMLElement {
	const box = document.createElement('div');
	box.className = 'choices';
	const fill = (): void => {
		const names = axisNames(data);
		const {values, series} = seriesOf(data, name, choice.x);
		const lows = series.flatMap(one => one.points.map(({q1}) => q1));
		const isPositive = (list: readonly unknown[]): boolean =>
			list.every(value => Number(value) > 0);
		box.replaceChildren(
			...(names.length > 1 ? [selectOf(names)] : []),
			...(isNumeric(values) && isPositive(values) ? [boxOf('logX', `log ${choice.x}`)] : []),
			...(isPositive(lows) ? [boxOf('logY', `log ${name}`)] : []),
		);
	};
	const selectOf = (names: readonly string[]): HTMLElement => {
		const select = document.createElement('select');
		select.append(...names.map(each => new Option(each, each, false, each === choice.x)));
		select.addEventListener('change', () => {
			choice.x = select.value;
			choose(choice, name);
			fill();
			draw();
		});
		return labelOf('along ', select);
	};
	const boxOf = (key: 'logX' | 'logY', text: string): HTMLElement => {
		const input = document.createElement('input');
		input.type = 'checkbox';
		input.checked = choice[key];
		input.addEventListener('change', () => {
			choice[key] = input.checked;
			draw();
		});
		return labelOf('', input, ` ${text}`);
	};
	fill();
	return box;
}

function labelOf(...parts: readonly (string | Node)[]): HTMLElement {
	const label = document.createElement('label');
	label.append(...parts);
	return label;
}

function plotOf(place: HTMLElement, name: string, choice: Choice): uPlot {
	const {values, series} = seriesOf(data, name, choice.x);
	const numeric = isNumeric(values);
	const style = getComputedStyle(document.documentElement);
	const [text, line] = ['--text', '--line'].map(each => style.getPropertyValue(each).trim());
	const axis = {
		stroke: text ?? '',
		grid: {stroke: line ?? '', width: 1},
		ticks: {stroke: line ?? '', width: 1},
		font: '13px system-ui, sans-serif',
		labelFont: '600 13px system-ui, sans-serif',
	};
	const unit = data.units[name];
	const {xs, columns} = columnsOf(values, series, numeric);
	const numbers = (_: uPlot, splits: readonly (number | null)[]): string[] =>
		splits.map(each => (each === null ? '' : each.toLocaleString('en')));
	const options: uPlot.Options = {
		width: Math.max(place.clientWidth, 320),
		height,
		scales: {
			x: {
				time: false,
				distr: distributionOf(choice.logX && numeric),
				range: () => xRange(xs, choice, numeric),
			},
			y: {distr: distributionOf(choice.logY), range: () => yRange(series, choice)},
		},
		axes: [
			{
				...axis,
				label: choice.x,
				values: numeric
					? numbers
					: (_, splits) => splits.map(at => String(values[at] ?? '')),
				...(numeric ? splitsOf(choice.logX) : {splits: () => values.map((_, i) => i)}),
			},
			{
				...axis,
				label: unit === undefined ? name : `${name}, ${unit}`,
				size: 76,
				values: numbers,
				...splitsOf(choice.logY),
			},
		],
		series: [
			{label: choice.x, value: (_, at: number | null) => labelAt(values, numeric, at)},
			...series.map((one, i) => ({
				label: one.label === '' ? name : one.label,
				stroke: colourOf(i),
				width: 2,
				dash: dashOf(i),
				spanGaps: true,
				points: {show: true, size: 7, fill: colourOf(i)},
				...(numeric ? {} : {paths: () => null}),
				value: (plot: uPlot, _: number | null, __: number, at: number | null) =>
					spreadAt(one, plot, at),
			})),
		],
		hooks: {draw: [plot => drawSpread(plot, series, numeric)]},
		cursor: {drag: {x: false, y: false}},
	};
	return new uPlot(options, [xs, ...columns], place);
}

function splitsOf(isLogarithmic: boolean): Pick<uPlot.Axis, 'splits' | 'filter'> {
	if (!isLogarithmic) return {};
	return {
		splits: (_, __, low, high) => logTicks(low, high),
		filter: (_, splits) => splits,
	};
}

/** Equal steps for equal differences, or for equal factors. */
function distributionOf(isLogarithmic: boolean): uPlot.Scale.Distr {
	// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- only its types have the enum
	return isLogarithmic ? 3 : 1;
}

function colourOf(index: number): string {
	return colours[index % colours.length] ?? '';
}

function dashOf(index: number): number[] {
	return dashes[Math.floor(index / colours.length) % dashes.length] ?? [];
}

/** Where a point stands; those of the same word stand beside each other. */
function position(x: number, index: number, count: number, numeric: boolean): number {
	if (numeric) return x;
	return x + (index - (count - 1) / 2) * Math.min(0.12, 0.7 / count);
}

function columnsOf(
	values: Values,
	series: readonly Series[],
	numeric: boolean,
): {xs: number[]; columns: (number | null)[][]} {
	const places = series.map(
		(one, i) =>
			new Map(
				one.points.map(point => [
					position(point.x, i, series.length, numeric),
					point.median,
				]),
			),
	);
	const known = numeric ? (values as number[]) : [];
	const all = new Set([...known, ...places.flatMap(each => [...each.keys()])]);
	const xs = [...all].sort((a, b) => a - b);
	return {xs, columns: places.map(each => xs.map(x => each.get(x) ?? null))};
}

function xRange(xs: readonly number[], choice: Choice, numeric: boolean): [number, number] {
	const [low = 0, high = 1] = [xs.at(0), xs.at(-1)];
	if (!numeric) return [Math.round(low) - 0.5, Math.round(high) + 0.5];
	if (choice.logX) return [low / 1.3, high * 1.3];
	const margin = (high - low || 1) * 0.04;
	return [low - margin, high + margin];
}

function yRange(series: readonly Series[], choice: Choice): [number, number] {
	const points = series.flatMap(one => one.points);
	const low = Math.min(...points.map(({q1}) => q1));
	const high = Math.max(...points.map(({q3}) => q3));
	if (choice.logY) return [low / 1.3, high * 1.3];
	const margin = (high - Math.min(low, 0) || 1) * 0.08;
	return [low < 0 ? low - margin : 0, high + margin];
}

function labelAt(values: Values, numeric: boolean, at: number | null): string {
	if (at === null) return '';
	return numeric ? at.toLocaleString('en') : String(values[Math.round(at)] ?? '');
}

function spreadAt(series: Series, plot: uPlot, at: number | null): string {
	const x = at === null ? undefined : plot.data[0][at];
	const point = series.points.find(one => x !== undefined && Math.abs(one.x - x) < 1e-9);
	if (!point) return '';
	const [median, q1, q3] = [point.median, point.q1, point.q3].map(formatNumber);
	return `${median} (${q1} to ${q3})`;
}

/** A bar over the middle half of the measurements, through each median. */
function drawSpread(plot: uPlot, series: readonly Series[], numeric: boolean): void {
	const {ctx} = plot;
	const cap = 4 * devicePixelRatio;
	ctx.save();
	ctx.lineWidth = 1.5 * devicePixelRatio;
	for (const [i, one] of series.entries()) {
		if (plot.series[i + 1]?.show === false) continue;
		ctx.strokeStyle = colourOf(i);
		for (const point of one.points) {
			const at = position(point.x, i, series.length, numeric);
			const x = plot.valToPos(at, 'x', true);
			const [top, bottom] = [point.q3, point.q1].map(each => plot.valToPos(each, 'y', true));
			if (top === undefined || bottom === undefined) continue;
			ctx.beginPath();
			ctx.moveTo(x, top);
			ctx.lineTo(x, bottom);
			for (const y of [top, bottom]) {
				ctx.moveTo(x - cap, y);
				ctx.lineTo(x + cap, y);
			}

			ctx.stroke();
		}
	}

	ctx.restore();
}
