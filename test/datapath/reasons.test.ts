import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';

import {
	dropReasons,
	matchTypes,
	metricDirections,
	metricReasons,
	metricReasonText,
	parseDropReason,
	policyDirections,
	sourceFiles,
	socketPoints,
	tracePoints,
	traceReasons,
	type Meanings,
} from '../../src/datapath/index.js';
import {readTypes} from '../../src/index.js';
import {compile} from '../helpers/compile.js';

const project = fileURLToPath(new URL('../../../', import.meta.url));

const headers = [
	'include/drop_reasons.h',
	'types/conntrack.h',
	'types/metrics.h',
	'types/notify.h',
	'types/policy.h',
].map(name => `${project}bpf/${name}`);

// What was compiled before is known by its source: the text of the headers is a part of it.
const version = headers
	.reduce((hash, path) => hash.update(readFileSync(path)), createHash('sha256'))
	.digest('hex');

/** Names each enumeration, so that the compiler puts it into the object. */
const source = `
// ${version}
${headers.map(path => `#include "${path}"`).join('\n')}

struct {
	enum drop_reason drop;
	enum metric_reason metric;
	enum metric_direction metric_direction;
	enum policy_direction policy_direction;
	enum trace_point trace_point;
	enum trace_sock_point trace_sock_point;
	enum ct_status status;
	enum policy_match match;
	enum source_file file;
} enumerations;
`;

const lists: Readonly<Record<string, Meanings>> = {
	drop_reason: dropReasons,
	metric_reason: metricReasons,
	metric_direction: metricDirections,
	policy_direction: policyDirections,
	trace_point: tracePoints,
	trace_sock_point: socketPoints,
	ct_status: traceReasons,
	policy_match: matchTypes,
	source_file: sourceFiles,
};

test('numbers are those of the C programs', async t => {
	const btf = await readTypes(await compile(source));
	for (const [name, meanings] of Object.entries(lists)) {
		const found = btf.find(name, 'enum');
		const inC = Object.fromEntries(
			(found?.values ?? []).map(({name: constant, value}) => [constant, value]),
		);
		const inList = Object.fromEntries(
			Object.entries(meanings).flatMap(([number, {constant}]) =>
				constant === undefined ? [] : [[constant, Number(number)]],
			),
		);
		t.deepEqual(inList, inC, name);
	}
});

test('every drop reason has a text of its own', t => {
	const texts = Object.values(dropReasons).map(({text}) => text);
	t.is(new Set(texts).size, texts.length);
	t.deepEqual(Object.keys(dropReasons).map(Number), [
		...Array.from({length: 206 - 130 + 1}, (_, i) => 130 + i),
		255,
	]);
});

const named = test.macro({
	exec(t, name: string, code: number) {
		t.is(parseDropReason(name), code);
	},
	title: (_, name, code) => `"${name}" is drop reason ${code}`,
});

test(named, '133', 133);
test(named, 'Policy denied', 133);
test(named, 'policy-denied', 133);
test(named, 'POLICY_DENIED', 133);
test(named, 'DROP_POLICY_DENIED', 133);
test(named, 'policy denied by denylist', 181);
test(named, 'TTL_EXCEEDED', 196);
test(named, 'drop_ep_not_ready', 203);

test('a reason that there is not is refused, with the nearest one', t => {
	t.throws(() => parseDropReason('polcy denied'), {
		code: 'ERR_USAGE',
		message:
			'read drop reason "polcy denied": there is none of this name; did you mean "Policy denied"?',
	});
});

test('a reason of the metrics is one of two lists', t => {
	t.is(metricReasonText(0), 'Success');
	t.is(metricReasonText(133), 'Policy denied');
	t.is(metricReasonText(99), '99');
	t.is(metricReasonText(250), '250');
});
