/** Services of a cluster, of which the last is the one that is used. */

export type Family = 4 | 6;

export interface BenchBackend {
	readonly address: string;
	readonly port: number;
}

export interface BenchService {
	readonly address: string;
	readonly port: number;
	readonly backends: readonly BenchBackend[];
}

/** What the addresses of pods are in; clients from elsewhere are masqueraded. */
export const clusterPrefix = {4: '10.1.0.0/16', 6: 'fd00:1::/32'} as const;

/** What the addresses of services are in. */
export const servicePrefix = {4: '10.96.0.0/12', 6: 'fd00:96::/112'} as const;

export const servicePort = 80;

/** An address in the prefix of services or of backends that nobody has. */
function addressOf(family: Family, of: 'service' | 'backend', i: number): string {
	const [high, low] = [(i >> 8) & 0xff, i & 0xff];
	const [third, service] = [i >> 16, of === 'service'];
	return family === 4
		? `10.${(service ? 96 : 128) + third}.${high}.${low}`
		: `fd00:${service ? 96 : 128}::${third === 0 ? '' : `${third.toString(16)}:`}${(i & 0xffff).toString(16)}`;
}

/**
 * So many services, each with its own `perService` backends; the last one's are those given, as
 * many as there are.
 */
export function makeServices(
	family: Family,
	count: number,
	backends: readonly BenchBackend[],
	perService = backends.length,
): BenchService[] {
	return Array.from({length: count}, (_, i) => ({
		// From 1 on: the address with zeros is the network's.
		address: addressOf(family, 'service', i + 1),
		port: servicePort,
		backends:
			i === count - 1
				? backends
				: Array.from({length: perService}, (_, k) => ({
						address: addressOf(family, 'backend', i * perService + k + 1),
						port: 8080,
					})),
	}));
}
