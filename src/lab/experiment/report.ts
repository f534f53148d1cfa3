/** The result of an experiment as one HTML file, which needs nothing from elsewhere. */

import {readFileSync} from 'node:fs';
import {join} from 'node:path';

import {packageRoot} from '../../base/package-root.js';
import {namesOf, type ExperimentResult} from './result.js';
import {formatNumber} from './text.js';

/** What `report/page.ts` draws charts from. */
export interface ReportData {
	readonly parameters: ExperimentResult['parameters'];
	readonly units: ExperimentResult['units'];
	readonly names: readonly string[];
	readonly summary: ExperimentResult['summary'];
}

/** The page; its security policy forbids it the network. */
export function reportHtml(result: ExperimentResult): string {
	const names = namesOf(result);
	const {parameters, units, summary} = result;
	const data: ReportData = {parameters, units, names, summary};
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(result.experiment)}</title>
<style>${part('page.css')}</style>
</head>
<body>
<main>
<h1>${escape(result.experiment)}</h1>
${note(result)}
${names.map((name, i) => section(result, name, i)).join('\n')}
<h2>Conditions</h2>
<dl>${facts(result)}</dl>
</main>
<script type="application/json" id="data">${inScript(JSON.stringify(data))}</script>
<script>${part('page.js')}</script>
</body>
</html>
`;
}

const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** Made from `report/` when skep is built. */
function part(name: string): string {
	return readFileSync(join(packageRoot, 'dist/report', name), 'utf8').trim();
}

const entities: Readonly<Record<string, string>> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};

function escape(text: string): string {
	return text.replaceAll(/[&<>"']/g, letter => entities[letter] ?? letter);
}

/** No text can end the script that it stands in, or begin a comment there. */
function inScript(json: string): string {
	return json.replaceAll('<', '\\u003c');
}

function note({complete, failures, repeat}: ExperimentResult): string {
	const lines = [
		...(complete ? [] : [`Not all of it is measured yet: ${repeat} rounds are asked for.`]),
		...failures.map(
			({parameters, message}) => `Failed: ${JSON.stringify(parameters)}: ${message}`,
		),
	];
	return lines.map(line => `<p class="note">${escape(line)}</p>`).join('\n');
}

function section(result: ExperimentResult, name: string, index: number): string {
	const unit = result.units[name];
	const title = escape(name) + (unit === undefined ? '' : ` <small>${escape(unit)}</small>`);
	return `<section>
<h2>${title}</h2>
<div class="chart" id="chart-${index}"></div>
<div class="scroll">${table(result, name)}</div>
</section>`;
}

const columns = ['median', '± MAD', 'first quartile', 'third quartile', 'min', 'max', 'n'];

function table(result: ExperimentResult, name: string): string {
	const parameters = Object.keys(result.parameters);
	const head = [...parameters, ...columns].map(each => `<th scope="col">${escape(each)}</th>`);
	const rows = result.summary.flatMap(one => {
		const found = one.statistics[name];
		if (!found) return [];
		const values = parameters.map(each => one.parameters[each] ?? '');
		const {median, mad, q1, q3, min, max, n} = found;
		const numbers = [...[median, mad, q1, q3, min, max].map(formatNumber), String(n)];
		const cells = [
			...values.map(value => cell(String(value), typeof value === 'number')),
			...numbers.map(number => cell(number, true)),
		];
		return [`<tr>${cells.join('')}</tr>`];
	});
	return `<table>
<thead><tr>${head.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`;
}

function cell(text: string, isNumber: boolean): string {
	return `<td${isNumber ? ' class="number"' : ''}>${escape(text)}</td>`;
}

function facts(result: ExperimentResult): string {
	const {machine} = result;
	const rows: readonly (readonly [string, string])[] = [
		['kernel', machine.kernel],
		['processor', `${machine.cpus} × ${machine.cpu} (${machine.arch})`],
		['memory', `${(machine.memory / 2 ** 30).toFixed(1)} GiB`],
		['frequency governor', machine.governor ?? 'unknown'],
		['skep', machine.skep],
		['node', machine.node],
		['begun', result.started],
		['finished', result.finished],
		['rounds', `${result.repeat}, ${result.order} by seed ${result.seed}`],
	];
	return rows
		.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`)
		.join('\n');
}
