import {existsSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import type {Parameters} from '../../../src/lab/experiment/parameters.js';
import {combinationsOf} from '../../../src/lab/experiment/parameters.js';
import {reportHtml} from '../../../src/lab/experiment/report.js';
import {resultOf} from '../../../src/lab/experiment/result.js';
import {run} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';
import {definitionOf, measurement} from './definition.js';

function pageOf(parameters: Parameters, ...names: readonly string[]): string {
	const measurements = combinationsOf(parameters).flatMap((one, i) =>
		[0, 1, 2].map(round =>
			measurement(one, round, Object.fromEntries(names.map(name => [name, i + round + 1]))),
		),
	);
	const units = {latency: 'ns'};
	return reportHtml(resultOf(definitionOf({parameters}), 4, units, measurements, []));
}

const varied = {rules: [1, 10, 100], family: ['ipv4', 'ipv6']};

test('a page needs nothing from elsewhere, and may not ask for it', t => {
	const page = pageOf(varied, 'latency');
	t.regex(page, /Content-Security-Policy" content="default-src 'none';/);
	t.notRegex(page, /<link|<img|<iframe|<script[^>]* src|@import|url\((?!['"]?data:)/i);
	t.regex(page, /uplot \d+\.\d+\.\d+\n\n(?:.*\n)*Permission is hereby granted/);
});

test('a page has the table, what is missing, and the conditions', t => {
	const page = pageOf(varied, 'latency');
	t.regex(page, /<h2>latency <small>ns<\/small><\/h2>/);
	t.regex(page, /<td class="number">100<\/td><td>ipv6<\/td><td class="number">7.000<\/td>/);
	t.regex(page, /Not all of it is measured yet: 4 rounds are asked for\./);
	t.regex(page, /<dt>kernel<\/dt><dd>6\.18\.0<\/dd>/);
	t.regex(page, /4, shuffle by seed 1/);
});

test('no name ends the script that it stands in, or becomes part of the page', t => {
	const page = pageOf({'<b>&"': ['</script><img src=x>', '<!--']}, '</script><i>');
	t.is(page.match(/<\/script>/g)?.length, 2);
	t.notRegex(page, /<img|<i>|<b>/);
	const data = /id="data">(.*)<\/script>/.exec(page)?.[1] ?? '';
	t.deepEqual((JSON.parse(data) as {names: string[]}).names, ['</script><i>']);
});

const browser = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(path => existsSync(path));

/** The page after its script has run. */
async function drawn(folder: string, page: string): Promise<string> {
	const path = join(folder, 'page.html');
	await writeFile(path, page);
	const profile = `--user-data-dir=${join(folder, 'profile')}`;
	return run(
		...([browser ?? '', '--headless', '--no-sandbox', '--disable-gpu', profile] as const),
		...(['--disable-dev-shm-usage', '--dump-dom', `file://${path}`] as const),
	);
}

(browser === undefined ? test.skip : test)(
	'a browser draws a chart of each measurement',
	async t => {
		const folder = await makeTempFolder(t);
		const dom = await drawn(folder, pageOf(varied, 'latency', 'rate'));
		t.is(dom.match(/<canvas/g)?.length, 2);
		const legends = [...dom.matchAll(/class="u-label"[^>]*>([^<]*)</g)].map(([, text]) => text);
		t.deepEqual(legends, [
			...['rules', 'family=ipv4', 'family=ipv6'],
			...['rules', 'family=ipv4', 'family=ipv6'],
		]);
		t.is(dom.match(/<select>/g)?.length, 2);
		t.is(dom.match(/<input type="checkbox">/g)?.length, 4);
	},
);
