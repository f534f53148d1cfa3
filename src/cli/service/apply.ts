/** `skep service apply`. */

import {readFile} from 'node:fs/promises';
import {text} from 'node:stream/consumers';

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {collect} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {openForChange, withNode, type NodeOptions} from './open.js';

const help = `
Manifests are objects of kind Service and EndpointSlice, or lists of them, in
YAML or JSON. A Service's addresses and ports become services, and what is ready
in its slices their backends; what is ending but still serves is "terminating".

  kubectl get services,endpointslices -A -o yaml | skep service apply -f -
`;

export function addApply(service: Command): void {
	withNode(service.command('apply'))
		.description('make services what manifests of Kubernetes say')
		.requiredOption('-f, --file <file>', 'manifests; - for standard input; repeatable', collect)
		.option('--node-name <name>', "this node's, to tell backends that are on it")
		.option('--node-address <address>', 'where NodePorts are answered; repeatable', collect)
		.option('--prune', 'remove all other services')
		.option('--dry-run', 'print what would be there, and write nothing')
		.addHelpText(
			'after',
			help + example('skep service apply -f web.yaml --node-address 192.0.2.1'),
		)
		.action(apply);
}

interface ApplyOptions extends NodeOptions {
	readonly file: readonly string[];
	readonly nodeName?: string;
	readonly nodeAddress?: readonly string[];
	readonly prune?: boolean;
	readonly dryRun?: boolean;
}

async function apply(options: ApplyOptions, command: Command): Promise<void> {
	const {file, nodeName, nodeAddress, prune = false, dryRun = false} = options;
	const {servicesFromKubernetes} = await import('../../datapath/index.js');
	const documents = [];
	for (const each of file) documents.push(await readText(each));
	// A pipe whose other end failed shall not make --prune remove everything.
	if (documents.every(document => document.trim() === '')) {
		throw new UsageError(`read services "${file.join('", "')}": there is nothing in it`);
	}

	const wanted = await servicesFromKubernetes(documents.join('\n---\n'), {
		...(nodeName === undefined ? {} : {nodeName}),
		...(nodeAddress === undefined ? {} : {nodeAddresses: nodeAddress}),
	});
	const output = outputOptions(command);
	if (dryRun) {
		await printOne({services: wanted}, output);
		return;
	}

	const {maps, services} = await openForChange('apply services', options);
	using _maps = maps;
	const {ids, written, removed} = await services.upsertMany(wanted, {prune});
	await printOne({services: ids.length, written, removed}, output);
}

async function readText(file: string): Promise<string> {
	if (file === '-') return text(process.stdin);
	try {
		return await readFile(file, 'utf8');
	} catch (cause) {
		const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
		const detail = isMissing ? 'there is no such file' : (cause as Error).message;
		throw new UsageError(`read services "${file}": ${detail}`, {cause});
	}
}
