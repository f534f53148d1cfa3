import {readFile} from 'node:fs/promises';
import {text} from 'node:stream/consumers';

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import type {EnforcementOptions, PolicyChange, PolicyRule} from '../../datapath/index.js';
import {wholeNumber} from '../arguments.js';
import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, write} from '../output/print.js';
import {enforcementOptions, withEnforcement, type EnforcementWords} from './enforcement-words.js';
import {enforcementText} from './words.js';

const help = `
The file is JSON or YAML: a list of rules, or an object with "rules" and, where
they change, "enforce" and "audit". A rule says:

  direction   ingress or egress
  peers       any, numbers of identities, names of reserved ones, labels
  protocol    tcp, udp, sctp, icmp, icmpv6 or a number; all unless given
  ports       80, "8000-8999", or a list; all unless given
  icmpType    a number or a list
  action      allow or deny
  proxyPort, precedence, cookie, auth   numbers

  - {direction: ingress, peers: [400, world], protocol: tcp, ports: 80,
     action: allow}
  - {direction: egress, peers: {labels: {app: db, "k8s:tier": back}},
     action: allow}

Rules that name labels follow the identities that come and go.
`;

export function addReplace(policy: Command): void {
	withEnforcement(withRoot(policy.command('replace')))
		.description('give an endpoint other rules, under traffic')
		.argument('<endpoint>', 'id of the endpoint', wholeNumber('endpoint'))
		.argument('<file>', 'its rules; - for standard input')
		.addHelpText('after', help + example('skep policy replace 11 rules.yaml --enforce both'))
		.action(replace);
}

async function replace(
	endpoint: number,
	file: string,
	options: RootOptions & EnforcementWords,
	command: Command,
): Promise<void> {
	requireOwn('replace policy', options);
	const {rules, ...told} = readPolicy(await parse(file), file);
	const {Policies} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	const change = await new Policies(maps).replace(endpoint, rules, {
		...told,
		...enforcementOptions(options),
	});
	const output = outputOptions(command);
	if (output.output === 'table') write(`${changeText(change)}\n`);
	else await printOne(change, output);
}

async function parse(file: string): Promise<unknown> {
	const content = file === '-' ? await text(process.stdin) : await readText(file);
	const {parse: parseYaml} = await import('yaml');
	try {
		// JSON is YAML.
		return parseYaml(content);
	} catch (cause) {
		const [line = ''] = (cause as Error).message.split('\n');
		throw new UsageError(`read policy "${file}": ${line.replace(/:$/, '')}`, {cause});
	}
}

async function readText(file: string): Promise<string> {
	try {
		return await readFile(file, 'utf8');
	} catch (cause) {
		const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
		const detail = isMissing ? 'there is no such file' : (cause as Error).message;
		throw new UsageError(`read policy "${file}": ${detail}`, {cause});
	}
}

interface PolicyFile extends EnforcementOptions {
	readonly rules: readonly PolicyRule[];
}

/** What each rule holds is looked at where it is compiled. */
function readPolicy(given: unknown, file: string): PolicyFile {
	if (Array.isArray(given)) return {rules: given as PolicyRule[]};
	const refuse = (detail: string): never => {
		throw new UsageError(`read policy "${file}": ${detail}`);
	};
	if (typeof given !== 'object' || given === null) {
		return refuse('expected a list of rules, or an object with "rules"');
	}

	const {rules, enforce, audit, ...others} = given as Record<string, unknown>;
	const [unknown] = Object.keys(others);
	if (unknown !== undefined) refuse(`there is no field "${unknown}"`);
	if (!Array.isArray(rules)) return refuse('"rules" is a list');
	if (audit !== undefined && typeof audit !== 'boolean') refuse('"audit" is true or false');
	return {
		rules: rules as PolicyRule[],
		...(enforce !== undefined && {enforce: readEnforce(enforce, refuse)}),
		...(audit !== undefined && {audit: audit === true}),
	};
}

function readEnforce(
	given: unknown,
	refuse: (detail: string) => never,
): NonNullable<EnforcementOptions['enforce']> {
	const isRight =
		typeof given === 'object' &&
		given !== null &&
		Object.entries(given).every(
			([key, value]) => ['ingress', 'egress'].includes(key) && typeof value === 'boolean',
		);
	if (isRight) return given;
	return refuse('"enforce" says true or false of ingress and egress');
}

export function changeText({endpointId, entries, enforcement, revision}: PolicyChange): string {
	const ingress = enforcementText(enforcement, 'ingress');
	const egress = enforcementText(enforcement, 'egress');
	return `endpoint ${endpointId}: ${entries} entries, ingress ${ingress}, egress ${egress}, revision ${revision}`;
}
