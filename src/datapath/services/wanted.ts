/** Reads services as people write them into the entries that they take in the maps. */

import {protocolNumber} from '../protocols.js';
import {readPrefix, type Family} from './addresses.js';
import {
	addressIn,
	checkObject,
	choose,
	hasOnly,
	isWhole,
	refuse,
	tryAddress,
	wholeIn,
} from './checks.js';
import {
	algorithms,
	backendStates,
	flags1,
	flags2,
	longestAffinity,
	packSpread,
	typeFlags,
	type BackendState,
	type ServiceAlgorithm,
	type ServiceType,
} from './flags.js';
import {defaultWeight} from './maglev.js';
import type {Frontend, NewBackend, NewService, ServiceScope, SourceRanges} from './service.js';

/** A frontend in numbers. */
export interface WantedFrontend {
	readonly key: string;
	readonly family: Family;
	readonly address: string;
	readonly port: number;
	readonly protocol: number;
	/** 0 external, 1 internal. */
	readonly scope: number;
}

export interface WantedBackend {
	readonly key: string;
	readonly family: Family;
	readonly address: string;
	readonly port: number;
	readonly protocol: number;
	readonly weight: number;
	readonly state: BackendState | undefined;
	readonly zone: number | undefined;
}

/** One entry of the service maps. */
export interface WantedEntry {
	readonly frontend: WantedFrontend;
	readonly spread: number;
	readonly algorithm: ServiceAlgorithm;
	readonly flags: number;
	readonly flags2: number;
	readonly backends: readonly WantedBackend[];
	/** Prefixes of the frontend's family. */
	readonly ranges: readonly string[];
	/** Whether other ports of its address are refused. */
	readonly wildcard: boolean;
}

const serviceFields = [
	'frontend',
	'type',
	'backends',
	'algorithm',
	'affinity',
	'externalTrafficPolicy',
	'internalTrafficPolicy',
	'sourceRanges',
	'forwardingMode',
	'proxyPort',
	'nat46x64',
	'wildcard',
	'surrogate',
] as const satisfies (keyof NewService)[];
const backendFields = [
	'address',
	'port',
	'weight',
	'state',
	'zone',
	'local',
] as const satisfies (keyof NewBackend)[];
const frontendFields = [
	'address',
	'port',
	'protocol',
	'scope',
] as const satisfies (keyof Frontend)[];
const scopes: readonly ServiceScope[] = ['external', 'internal'];
const types = Object.keys(typeFlags);
const policies = ['Cluster', 'Local'];
const modes = ['snat', 'dsr'];

/** Addresses under which the node's sockets find ports of all of its addresses. */
export const surrogateAddress = {4: '0.0.0.0', 6: '::'} as const;
const mostBackends = 0xffff;

/**
 * The entries of a service: one, or one for each scope; then those of its surrogate. *Throws:*
 * `ERR_USAGE` that names the field.
 */
export function readService(service: NewService): WantedEntry[] {
	checkObject('a service', service, serviceFields);
	const {type = 'ClusterIP', surrogate = true} = service;
	choose('type', type, types);
	const frontend = readFrontend(service.frontend);
	const {scope} = service.frontend;
	const entries = scopesOf(service, scope).map(each => entryOf(service, frontend, each));
	if (type !== 'NodePort' || !surrogate || isSurrogate(frontend)) return entries;
	const {family, port, protocol} = frontend;
	const anywhere = {address: surrogateAddress[family], port, protocol};
	return [
		...entries,
		...scopesOf(service, scope).map(each =>
			entryOf({...service, wildcard: false}, readFrontend(anywhere), each),
		),
	];
}

/** Is it the address that stands for all of a node's? */
export function isSurrogate({
	family,
	address,
}: Pick<WantedFrontend, 'family' | 'address'>): boolean {
	return address === surrogateAddress[family];
}

/** *Throws:* `ERR_USAGE`. */
export function readFrontend(frontend: Frontend): WantedFrontend {
	checkObject('frontend', frontend, frontendFields);
	const {address, scope = 'external', protocol = 'tcp'} = frontend;
	choose('frontend.scope', scope, scopes);
	const known = addressIn('frontend.address', address);
	const number = readProtocol('frontend.protocol', protocol);
	const port = wholeIn('frontend.port', frontend.port, 1, 0xffff);
	return frontendOf(known.family, known.text, port, number, scopes.indexOf(scope));
}

export function frontendOf(
	family: Family,
	address: string,
	port: number,
	protocol: number,
	scope: number,
): WantedFrontend {
	const key = address + frontendEnd(port, protocol, scope);
	return {key, family, address, port, protocol, scope};
}

/** What tells backends apart. */
export function backendKey(address: string, port: number, protocol: number): string {
	return address + backendEnd(port, protocol);
}

// By the thousand most have the port of the one before, and numbers are what takes time in a text.
const frontendEnd = lastOf((port, protocol, scope) => ` ${port} ${protocol} ${scope}`);
const backendEnd = lastOf((port, protocol) => ` ${port} ${protocol}`);

/** Remembers the last text that was made, and of what. */
function lastOf(
	make: (port: number, protocol: number, scope: number) => string,
): (port: number, protocol: number, scope?: number) => string {
	let [lastPort, lastProtocol, lastScope, text] = [-1, -1, -1, ''];
	return (port, protocol, scope = 0) => {
		if (port !== lastPort || protocol !== lastProtocol || scope !== lastScope) {
			[lastPort, lastProtocol, lastScope] = [port, protocol, scope];
			text = make(port, protocol, scope);
		}

		return text;
	};
}

/** Whether clients outside of the cluster may use such a service. */
const isForNetwork = (type: ServiceType = 'ClusterIP'): boolean =>
	type !== 'ClusterIP' && type !== 'LocalRedirect';

/** Numbers of scopes that a service is written in, and whether it is written in both. */
interface EntryScope {
	readonly scope: number;
	readonly both: boolean;
}

function scopesOf(service: NewService, asked: ServiceScope | undefined): readonly EntryScope[] {
	if (asked !== undefined) return asked === 'internal' ? insideOnly : outsideOnly;
	const {externalTrafficPolicy = 'Cluster', internalTrafficPolicy = 'Cluster'} = service;
	const isOutside = isForNetwork(service.type);
	const both = isOutside && externalTrafficPolicy !== internalTrafficPolicy;
	return both ? bothScopes : outsideOnly;
}

const insideOnly: readonly EntryScope[] = [{scope: 1, both: false}];
const outsideOnly: readonly EntryScope[] = [{scope: 0, both: false}];
const bothScopes: readonly EntryScope[] = [
	{scope: 1, both: true},
	{scope: 0, both: true},
];

function entryOf(
	service: NewService,
	given: WantedFrontend,
	{scope, both}: EntryScope,
): WantedEntry {
	const {type = 'ClusterIP', algorithm = 'default', sourceRanges, affinity} = service;
	const {family, address, port, protocol} = given;
	const isOutside = isForNetwork(type);
	const {externalTrafficPolicy: external, internalTrafficPolicy: internal} = service;
	choose('externalTrafficPolicy', external ?? 'Cluster', policies);
	choose('internalTrafficPolicy', internal ?? 'Cluster', policies);
	choose('algorithm', algorithm, algorithms);
	choose('forwardingMode', service.forwardingMode ?? 'snat', modes);
	const frontend =
		given.scope === scope ? given : frontendOf(family, address, port, protocol, scope);
	const routable = isOutside && !isSurrogate(frontend);
	const timeout =
		affinity === undefined
			? 0
			: wholeIn('affinity.timeout', affinity.timeout, 1, longestAffinity);
	const {ranges, deny} = rangesOf(sourceRanges, family);
	const bits = (on: boolean, flag: number): number => (on ? flag : 0);
	const redirects = type === 'LocalRedirect';
	const isLocal = redirects || (isOutside && scope === 0 ? external : internal) === 'Local';
	const proxyPort = proxyPortOf(service);
	const {nat46x64 = false} = service;
	if (nat46x64 && service.forwardingMode === 'dsr') {
		refuse('nat46x64', 'is of a service without DSR', nat46x64);
	}

	const other = family === 4 ? 6 : 4;
	const all = readBackends(service.backends, nat46x64 ? other : family, protocol);
	return {
		frontend,
		spread: proxyPort || packSpread(algorithm, timeout),
		algorithm,
		flags:
			typeFlags[type] |
			bits(isOutside && external === 'Local', flags1.externalLocal) |
			bits(timeout > 0, flags1.affinity) |
			bits(routable, flags1.routable) |
			bits(sourceRanges !== undefined, flags1.sourceRange),
		flags2:
			bits(redirects, flags2.localRedirect) |
			bits(nat46x64, flags2.nat46x64) |
			bits(proxyPort > 0, flags2.l7LoadBalancer) |
			bits(internal === 'Local', flags2.internalLocal) |
			bits(both, flags2.twoScopes) |
			bits(deny, flags2.sourceRangeDeny) |
			bits(service.forwardingMode === 'dsr', flags2.dsr),
		backends: isLocal ? all.filter((_, i) => service.backends[i]?.local === true) : all,
		ranges,
		wildcard: service.wildcard ?? (type === 'ClusterIP' || type === 'LoadBalancer'),
	};
}

/** 0: there is none. */
function proxyPortOf({proxyPort, algorithm, affinity}: NewService): number {
	if (proxyPort === undefined) return 0;
	if (algorithm !== undefined || affinity !== undefined) {
		refuse('proxyPort', 'is of a service without algorithm and affinity', proxyPort);
	}

	return wholeIn('proxyPort', proxyPort, 1, 0xffff);
}

function readBackends(
	backends: readonly NewBackend[],
	family: Family,
	protocol: number,
): WantedBackend[] {
	if (!Array.isArray(backends)) refuse('backends', 'is a list', backends);
	if (backends.length > mostBackends) {
		refuse('backends', `has at most ${mostBackends}`, backends.length);
	}

	const seen = backends.length > 1 ? new Set<string>() : undefined;
	const wanted: WantedBackend[] = [];
	for (const backend of backends as readonly NewBackend[]) {
		const read = readBackend(backend, wanted.length, family, protocol);
		// Which it is has to be said only where there is one.
		if (seen !== undefined && seen.size === seen.add(read.key).size) {
			refuse(
				`backends[${wanted.length}]`,
				'stands in the list before',
				`${read.address}:${read.port}`,
			);
		}

		wanted.push(read);
	}

	return wanted;
}

function readBackend(
	backend: NewBackend,
	i: number,
	family: Family,
	protocol: number,
): WantedBackend {
	if (typeof backend !== 'object' || (backend as unknown) === null) {
		refuse(`backends[${i}]`, 'is an object', backend);
	}

	const {port, weight = defaultWeight, state, zone} = backend;
	const known = typeof backend.address === 'string' ? tryAddress(backend.address) : undefined;
	const isRight =
		known?.family === family &&
		isWhole(port, 1, 0xffff) &&
		isWhole(weight, 1, 0xffff) &&
		(zone === undefined || isWhole(zone, 0, 0xff)) &&
		(state === undefined || backendStates.includes(state)) &&
		hasOnly(backend, backendFields);
	if (!isRight) return refuseBackend(backend, i, family);
	const {text: address} = known;
	const key = backendKey(address, port, protocol);
	return {key, family, address, port, protocol, weight, state, zone};
}

/** Says what is wrong with it. */
function refuseBackend(backend: NewBackend, i: number, family: Family): never {
	const at = `backends[${i}]`;
	checkObject(at, backend, backendFields);
	const {port, weight = defaultWeight, state, zone = 0} = backend;
	const address = addressIn(`${at}.address`, backend.address);
	if (address.family !== family) {
		refuse(`${at}.address`, `is of IPv${family}`, backend.address);
	}

	wholeIn(`${at}.port`, port, 1, 0xffff);
	wholeIn(`${at}.weight`, weight, 1, 0xffff);
	wholeIn(`${at}.zone`, zone, 0, 0xff);
	if (state !== undefined) choose(`${at}.state`, state, backendStates);
	return refuse(at, 'is a backend', backend);
}

const noRanges = {ranges: [], deny: false};

function rangesOf(
	given: SourceRanges | undefined,
	family: Family,
): {ranges: readonly string[]; deny: boolean} {
	if (given === undefined) return noRanges;
	checkObject('sourceRanges', given, ['allow', 'deny']);
	const {allow, deny} = given;
	if ((allow === undefined) === (deny === undefined)) {
		refuse('sourceRanges', 'has either allow or deny', given);
	}

	const name = allow === undefined ? 'deny' : 'allow';
	const list = allow ?? deny;
	if (!Array.isArray(list)) refuse(`sourceRanges.${name}`, 'is a list of prefixes', list);
	const prefixes = list.map((text: string, i) => {
		try {
			return readPrefix(text);
		} catch (cause) {
			return refuse(`sourceRanges.${name}[${i}]`, 'is a prefix', text, cause);
		}
	});
	const own = prefixes.filter(prefix => prefix.family === family).map(({text}) => text);
	return {ranges: [...new Set(own)].sort(), deny: deny !== undefined};
}

function readProtocol(field: string, protocol: unknown): number {
	if (typeof protocol === 'string' && protocol.toLowerCase() === 'any') return 0;
	try {
		return protocolNumber(String(protocol));
	} catch (cause) {
		return refuse(field, 'is tcp, udp, sctp, any or a number', protocol, cause);
	}
}
