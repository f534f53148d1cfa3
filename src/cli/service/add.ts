/** `skep service add`. */

import {Option, type Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import type {BackendState, NewBackend, NewService} from '../../datapath/index.js';
import {collect, wholeNumber} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, printList, printOne} from '../output/print.js';
import {openForChange, withNode, type NodeOptions} from './open.js';
import {readBackend, readFrontend, serviceRows} from './words.js';

const policies = ['Cluster', 'Local'] as const;

export function addAdd(service: Command): void {
	withNode(service.command('add'))
		.description('make a service what is given, be it there or not')
		.argument('<address>', 'frontend: 10.96.0.1:80, and /udp or /sctp if not TCP')
		.argument('[backend...]', 'address and port of each')
		.addOption(
			new Option('--type <type>', 'where the frontend comes from')
				.choices([
					...['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalIP', 'HostPort'],
					'LocalRedirect',
				])
				.default('ClusterIP'),
		)
		.option('--weights <list>', 'of the backends in turn: 100,50')
		.option('--states <list>', 'of the backends in turn: active,terminating')
		.option('--local <backend>', 'one that is on this node', collect)
		.addOption(
			new Option('--algorithm <name>', "instead of the node's").choices(['random', 'maglev']),
		)
		.option(
			'--affinity <seconds>',
			'how long a client keeps its backend',
			wholeNumber('affinity', 1),
		)
		.addOption(
			new Option('--external-policy <policy>', 'for clients outside').choices(policies),
		)
		.addOption(
			new Option('--internal-policy <policy>', 'for clients in the cluster').choices(
				policies,
			),
		)
		.option('--allow <prefix>', 'clients that may use it, and no others', collect)
		.option('--deny <prefix>', 'clients that may not use it', collect)
		.addOption(
			new Option('--forwarding <mode>', 'to backends on other nodes').choices([
				'snat',
				'dsr',
			]),
		)
		.option('--nat-46x64', 'backends have addresses of the other family')
		.option(
			'--proxy-port <port>',
			'of a transparent proxy on this node, instead of backends',
			wholeNumber('proxy port', 1),
		)
		.addHelpText(
			'after',
			example('skep service add 10.96.0.1:80 10.1.0.1:8080 10.1.0.2:8080 --affinity 60'),
		)
		.action(add);
}

interface AddOptions extends NodeOptions {
	readonly type: NonNullable<NewService['type']>;
	readonly weights?: string;
	readonly states?: string;
	readonly local?: readonly string[];
	readonly algorithm?: 'random' | 'maglev';
	readonly affinity?: number;
	readonly externalPolicy?: 'Cluster' | 'Local';
	readonly internalPolicy?: 'Cluster' | 'Local';
	readonly allow?: readonly string[];
	readonly deny?: readonly string[];
	readonly forwarding?: 'snat' | 'dsr';
	readonly proxyPort?: number;
	readonly nat46x64?: boolean;
}

async function add(
	text: string,
	backendTexts: readonly string[],
	options: AddOptions,
	command: Command,
): Promise<void> {
	const {allow, deny, algorithm, affinity, forwarding} = options;
	const {externalPolicy, internalPolicy, proxyPort, nat46x64} = options;
	if (allow !== undefined && deny !== undefined) {
		throw new UsageError('add service: expected --allow or --deny, not both');
	}

	const frontend = readFrontend(text);
	const sourceRanges = allow === undefined ? deny && {deny} : {allow};
	const service: NewService = {
		frontend,
		type: options.type,
		backends: backendsOf(backendTexts, options),
		...(algorithm === undefined ? {} : {algorithm}),
		...(affinity === undefined ? {} : {affinity: {timeout: affinity}}),
		...(externalPolicy === undefined ? {} : {externalTrafficPolicy: externalPolicy}),
		...(internalPolicy === undefined ? {} : {internalTrafficPolicy: internalPolicy}),
		...(sourceRanges === undefined ? {} : {sourceRanges}),
		...(forwarding === undefined ? {} : {forwardingMode: forwarding}),
		...(proxyPort === undefined ? {} : {proxyPort}),
		...(nat46x64 === undefined ? {} : {nat46x64}),
	};
	const {maps, services} = await openForChange('add service', options);
	using _maps = maps;
	await services.upsert(service);
	const added = services.get(frontend);
	if (added === undefined) return;
	const output = outputOptions(command);
	if (output.output === 'table') await printList(serviceRows(added), row => row, output);
	else await printOne(added, output);
}

function backendsOf(
	texts: readonly string[],
	{weights, states, local = []}: AddOptions,
): NewBackend[] {
	const inTurn = (what: string, list: string | undefined): string[] => {
		const items = list?.split(',') ?? [];
		if (items.length > texts.length) {
			throw new UsageError(
				`add service: --${what} has ${items.length} for ${texts.length} backends`,
			);
		}

		return items;
	};
	const [weightTexts, stateTexts] = [inTurn('weights', weights), inTurn('states', states)];
	const other = local.find(text => !texts.includes(text));
	if (other !== undefined) {
		throw new UsageError(`add service: --local ${other} is none of its backends`);
	}

	return texts.map((text, i) => {
		const {address, port} = readBackend(text);
		const [weight, state] = [weightTexts[i], stateTexts[i]];
		return {
			...{address, port, local: local.includes(text)},
			...(weight === undefined ? {} : {weight: wholeNumber('weight', 1)(weight)}),
			...(state === undefined ? {} : {state: state as BackendState}),
		};
	});
}
