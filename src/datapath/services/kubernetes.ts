/** Services as Kubernetes writes them: `Service` and `EndpointSlice`, in YAML or JSON. */

import type {Document} from 'yaml';

import {UsageError} from '../../base/errors.js';
import {readPrefix, type Family} from './addresses.js';
import {Fields} from './kubernetes-fields.js';
import {protocols, readKnown, readSlice, serviceLabel, type Slice} from './kubernetes-slices.js';
import type {NewBackend, NewService} from './service.js';
import {surrogateAddress} from './wanted.js';

/** What Kubernetes does not write down. */
export interface KubernetesOptions {
	/** Name of this node, which tells backends that are on it. */
	readonly nodeName?: string;
	/**
	 * Addresses at which the node answers NodePorts. Unless given, NodePorts are written for any
	 * address only, where sockets of the node find them.
	 */
	readonly nodeAddresses?: readonly string[];
}

interface Manifests {
	readonly services: Map<string, Fields>;
	readonly slices: {readonly slice: Slice; readonly object: Fields}[];
}

/** Cilium's, for what Kubernetes has no field for. */
const annotation = (name: string): string => `service.cilium.io/${name}`;
/** Of session affinity, where it is not said: three hours. */
const usualTimeout = 10_800;
const longestTimeout = 86_400;
/** How often a document may refer to a part of itself. */
const mostAliases = 100;

/**
 * Services of manifests: objects, lists of objects, or text with one or many documents.
 *
 * A `Service` becomes a service for each of its addresses and ports, with the backends of its slices:
 * those that are ready, and as `terminating` those that are ending but still serve. Headless services
 * and names of other hosts have no addresses, and become none.
 *
 * *Throws:* `ERR_USAGE` that names the object and the field.
 */
export async function servicesFromKubernetes(
	input: unknown,
	options: KubernetesOptions = {},
): Promise<NewService[]> {
	const manifests: Manifests = {services: new Map(), slices: []};
	const documents = typeof input === 'string' ? await parse(input) : [input];
	for (const [i, document] of documents.entries()) {
		collect(document, `document ${i + 1}`, manifests, options);
	}

	const slices = new Map<string, Slice[]>();
	for (const {slice, object} of manifests.slices) {
		const {service} = slice;
		if (!manifests.services.has(service)) {
			const field = `metadata.labels["${serviceLabel}"]`;
			object.refuse('', `has in ${field} a Service that is given`, service);
		}

		slices.set(service, [...(slices.get(service) ?? []), slice]);
	}

	return [...manifests.services].flatMap(([name, service]) =>
		servicesOf(service, slices.get(name) ?? [], options),
	);
}

async function parse(text: string): Promise<unknown[]> {
	const {parseAllDocuments} = await import('yaml');
	// JSON is YAML.
	return [...parseAllDocuments(text)].flatMap((document, i) => {
		const [error] = document.errors;
		if (error !== undefined) {
			const [line = ''] = error.message.split('\n');
			const detail = line.replace(/:$/, '');
			throw new UsageError(`read document ${i + 1}: ${detail}`, {cause: error});
		}

		const value = valueOf(document, i);
		return value === null ? [] : [value];
	});
}

/** Aliases are looked up only here: of what there is not, and of too much. */
function valueOf(document: Pick<Document, 'toJS'>, index: number): unknown {
	try {
		return document.toJS({maxAliasCount: mostAliases});
	} catch (cause) {
		throw new UsageError(`read document ${index + 1}: ${(cause as Error).message}`, {cause});
	}
}

function collect(
	document: unknown,
	what: string,
	manifests: Manifests,
	options: KubernetesOptions,
): void {
	const collectAll = (items: readonly unknown[]): void => {
		for (const [i, item] of items.entries()) {
			collect(item, `${what}, item ${i + 1}`, manifests, options);
		}
	};
	if (Array.isArray(document)) {
		collectAll(document);
		return;
	}

	const object = new Fields(what, '', document);
	const kind = object.choice('kind', [
		...(['Service', 'EndpointSlice', 'List', 'ServiceList', 'EndpointSliceList'] as const),
	]);
	if (kind.endsWith('List')) {
		collectAll(object.items('items'));
		return;
	}

	const metadata = object.object('metadata');
	const namespace = metadata.text('namespace', 'default');
	const name = `${namespace}/${metadata.text('name')}`;
	const named = new Fields(`${kind} "${name}"`, '', document);
	if (kind === 'Service') {
		if (manifests.services.has(name))
			named.object('metadata').refuse('name', 'is given once', name);
		manifests.services.set(name, named);
		return;
	}

	const slice = readSlice(named, namespace, options.nodeName);
	if (slice !== undefined) manifests.slices.push({slice, object: named});
}

/** What all frontends of a service share. */
type Common = Pick<
	NewService,
	'algorithm' | 'affinity' | 'externalTrafficPolicy' | 'internalTrafficPolicy' | 'forwardingMode'
>;

function servicesOf(
	object: Fields,
	slices: readonly Slice[],
	options: KubernetesOptions,
): NewService[] {
	const spec = object.object('spec');
	const types = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
	const type = spec.choice('type', types, 'ClusterIP');
	if (type === 'ExternalName') return [];
	const common = commonOf(object, spec);
	const places = placesOf(object, spec, type, options);
	return spec.list('ports').flatMap(port => {
		const protocol = port.choice('protocol', protocols, 'TCP');
		const own = port.whole('port', 1, 65_535);
		const nodePort = port.whole('nodePort', 0, 65_535, 0);
		const name = port.text('name', '');
		return places.flatMap(({address, family, type: kind, sourceRanges}) => {
			const isNodePort = kind === 'NodePort';
			if (isNodePort && nodePort === 0) return [];
			return [
				{
					...common,
					type: kind,
					frontend: {address, port: isNodePort ? nodePort : own, protocol},
					backends: backendsOf(slices, family, name, protocol),
					...(sourceRanges === undefined ? {} : {sourceRanges}),
				},
			];
		});
	});
}

function commonOf(object: Fields, spec: Fields): Common {
	const policies = ['Cluster', 'Local'] as const;
	const notes = object.object('metadata').object('annotations');
	const affinity = spec.choice('sessionAffinity', ['None', 'ClientIP'], 'None');
	const client = spec.object('sessionAffinityConfig').object('clientIP');
	const timeout = client.whole('timeoutSeconds', 1, longestTimeout, usualTimeout);
	const algorithm = annotation('lb-algorithm');
	const mode = annotation('forwarding-mode');
	return {
		externalTrafficPolicy: spec.choice('externalTrafficPolicy', policies, 'Cluster'),
		internalTrafficPolicy: spec.choice('internalTrafficPolicy', policies, 'Cluster'),
		...(affinity === 'ClientIP' && {affinity: {timeout}}),
		...(notes.has(algorithm) && {
			algorithm: notes.choice(algorithm, ['random', 'maglev']),
		}),
		...(notes.has(mode) && {forwardingMode: notes.choice(mode, ['snat', 'dsr'])}),
	};
}

/** An address at which a service is found. */
interface Place extends Pick<NewService, 'sourceRanges'> {
	readonly address: string;
	readonly family: Family;
	readonly type: NonNullable<NewService['type']>;
}

function placesOf(
	object: Fields,
	spec: Fields,
	type: 'ClusterIP' | 'NodePort' | 'LoadBalancer',
	{nodeAddresses}: KubernetesOptions,
): Place[] {
	const place = (owner: Fields, field: string, text: string, kind: Place['type']): Place => {
		const {family, text: address} = readKnown(owner, field, text);
		return {address, family, type: kind};
	};
	const given = spec.texts('clusterIPs');
	const [field, texts] =
		given.length > 0
			? (['clusterIPs', given] as const)
			: (['clusterIP', spec.has('clusterIP') ? [spec.text('clusterIP')] : []] as const);
	const cluster = texts.flatMap((text, i) =>
		text === 'None' || text === ''
			? []
			: [place(spec, field === 'clusterIP' ? field : `${field}[${i}]`, text, 'ClusterIP')],
	);
	const external = spec
		.texts('externalIPs')
		.map((text, i) => place(spec, `externalIPs[${i}]`, text, 'ExternalIP'));
	if (type === 'ClusterIP') return [...cluster, ...external];

	const families = new Set(cluster.map(({family}) => family));
	const node = (nodeAddresses ?? [...families].map(family => surrogateAddress[family]))
		.map(text => {
			const options = new Fields('options', '', {});
			return place(options, 'nodeAddresses', text, 'NodePort');
		})
		.filter(({family}) => families.has(family));
	if (type === 'NodePort') return [...cluster, ...external, ...node];

	const sourceRanges = rangesOf(object, spec);
	const balancers = object
		.object('status')
		.object('loadBalancer')
		.list('ingress')
		// What a proxy of the cloud's answers is not for the node to answer.
		.filter(each => each.has('ip') && each.choice('ipMode', ['VIP', 'Proxy'], 'VIP') === 'VIP')
		.map(each => ({
			...place(each, 'ip', each.text('ip'), 'LoadBalancer'),
			...(sourceRanges === undefined ? {} : {sourceRanges}),
		}));
	return [...cluster, ...external, ...node, ...balancers];
}

function rangesOf(object: Fields, spec: Fields): NewService['sourceRanges'] {
	const ranges = spec.texts('loadBalancerSourceRanges').map(text => text.trim());
	if (ranges.length === 0) return undefined;
	const notes = object.object('metadata').object('annotations');
	const policy = notes.choice(annotation('src-ranges-policy'), ['allow', 'deny'], 'allow');
	for (const [i, text] of ranges.entries()) {
		try {
			readPrefix(text);
		} catch (cause) {
			spec.refuse(`loadBalancerSourceRanges[${i}]`, 'is a prefix', text, cause);
		}
	}

	return policy === 'allow' ? {allow: ranges} : {deny: ranges};
}

/** Slices say which port it is on; a port's name is what both sides know. */
function backendsOf(
	slices: readonly Slice[],
	family: Family,
	name: string,
	protocol: string,
): NewBackend[] {
	const backends = new Map<string, NewBackend>();
	for (const slice of slices) {
		if (slice.family !== family) continue;
		for (const each of slice.ports) {
			if (each.name !== name || each.protocol !== protocol) continue;
			for (const endpoint of slice.endpoints) {
				const {port} = each;
				// While an endpoint moves from one slice to another, it may stand in both.
				const key = `${endpoint.address} ${port}`;
				if (backends.get(key)?.state === 'active') continue;
				backends.set(key, {...endpoint, port});
			}
		}
	}

	return [...backends.values()];
}
