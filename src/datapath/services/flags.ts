/** Flags of services, as in bpf/types/service.h, and what they are called. */

/** Where a frontend comes from. */
export const serviceTypes = [
	'ClusterIP',
	'NodePort',
	'LoadBalancer',
	'ExternalIP',
	'HostPort',
	'LocalRedirect',
] as const;
/** Where a service's frontend comes from. */
export type ServiceType = (typeof serviceTypes)[number];

/** In the first byte. */
export const flags1 = {
	externalIp: 1,
	nodePort: 2,
	externalLocal: 4,
	hostPort: 8,
	affinity: 16,
	loadBalancer: 32,
	routable: 64,
	sourceRange: 128,
} as const;

/** In the second byte. */
export const flags2 = {
	localRedirect: 1,
	nat46x64: 2,
	l7LoadBalancer: 4,
	/** With `hostPort`. */
	loopback: 8,
	internalLocal: 16,
	twoScopes: 32,
	/** Of slots above 0. */
	quarantined: 64,
	/** Of slot 0. */
	sourceRangeDeny: 64,
	dsr: 128,
} as const;

/** Flags of each type, in the first byte. */
export const typeFlags: Readonly<Record<ServiceType, number>> = {
	ClusterIP: 0,
	NodePort: flags1.nodePort,
	LoadBalancer: flags1.loadBalancer,
	ExternalIP: flags1.externalIp,
	HostPort: flags1.hostPort,
	LocalRedirect: 0,
};

/** The type that a service's flags say. */
export function typeOf(first: number, second: number): ServiceType {
	if ((first & flags1.externalIp) !== 0) return 'ExternalIP';
	if ((first & flags1.nodePort) !== 0) return 'NodePort';
	if ((first & flags1.hostPort) !== 0) return 'HostPort';
	if ((first & flags1.loadBalancer) !== 0) return 'LoadBalancer';
	return (second & flags2.localRedirect) === 0 ? 'ClusterIP' : 'LocalRedirect';
}

/** Flags of slot 0 in the words of `cilium-dbg bpf lb list`: `ClusterIP`, `non-routable`. */
export function flagWords(first: number, second: number): string[] {
	const type = typeOf(first, second);
	const words: string[] = [type === 'ExternalIP' ? 'ExternalIPs' : type];
	const say = (bits: number, bit: number, word: string): void => {
		if ((bits & bit) !== 0) words.push(word);
	};
	if (type === 'HostPort') say(second, flags2.loopback, 'loopback');
	say(first, flags1.externalLocal, 'Local');
	say(second, flags2.internalLocal, 'InternalLocal');
	say(second, flags2.twoScopes, 'two-scopes');
	say(first, flags1.affinity, 'sessionAffinity');
	if ((first & flags1.routable) === 0) words.push('non-routable');
	if ((first & flags1.sourceRange) !== 0) {
		const isDeny = (second & flags2.sourceRangeDeny) !== 0;
		words.push(isDeny ? 'deny source-range' : 'check source-range');
	}

	say(second, flags2.nat46x64, '46x64');
	say(second, flags2.l7LoadBalancer, 'l7-load-balancer');
	say(second, flags2.dsr, 'dsr');
	return words;
}

/** How far a backend takes part. */
export const backendStates = ['active', 'terminating', 'quarantined', 'maintenance'] as const;
/** Whether a backend is given new flows, and why not. */
export type BackendState = (typeof backendStates)[number];

/** Numbers stand in the maps; one that no version has counts as active. */
export function stateName(number: number): BackendState {
	return backendStates[number] ?? 'active';
}

/** How new flows are spread. */
export const algorithms = ['default', 'random', 'maglev'] as const;
/** How new flows are spread; `default` is as the node says. */
export type ServiceAlgorithm = (typeof algorithms)[number];

/** Above the seconds of affinity in slot 0. */
const algorithmShift = 24;
export const longestAffinity = 0xff_ffff;

/** The number in slot 0 that holds both. */
export function packSpread(algorithm: ServiceAlgorithm, timeout: number): number {
	return ((algorithms.indexOf(algorithm) << algorithmShift) | timeout) >>> 0;
}

/** Takes it apart; an algorithm that no version has is the node's default. */
export function unpackSpread(number: number): {algorithm: ServiceAlgorithm; timeout: number} {
	const algorithm = algorithms[number >>> algorithmShift] ?? 'default';
	return {algorithm, timeout: number & longestAffinity};
}
