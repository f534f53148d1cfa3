/** Rules for services of cluster addresses as kube-proxy writes them. */

import {
	clusterPrefix,
	servicePrefix,
	type BenchBackend,
	type BenchService,
	type Family,
} from './service-list.js';

const mark = '0x4000';

const endpoint = (family: Family, {address, port}: BenchBackend): string =>
	family === 4 ? `${address}:${port}` : `[${address}]:${port}`;

/** Chains are named by hashes of this length. */
const chain = (kind: 'SVC' | 'SEP', number: number): string =>
	`KUBE-${kind}-${number.toString(36).toUpperCase().padStart(16, '0')}`;

/** Backends get numbers of their own. */
const sepNumber = (service: number, backend: number): number => service * 64 + backend;

const natHead = `:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-POSTROUTING -m mark ! --mark ${mark}/${mark} -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark ${mark}
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --or-mark ${mark}`;

const natTail =
	'-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS';

const filter = `*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark ${mark}/${mark} -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT`;

const exact = (family: Family): string => (family === 4 ? '/32' : '/128');

const portal = (family: Family, {address, port}: BenchService): string =>
	`-d ${address}${exact(family)} -p tcp -m tcp --dport ${port}`;

/** A service's own chains and those of its backends. */
function iptablesChains(family: Family, service: BenchService, number: number): string[] {
	const {backends} = service;
	const own = chain('SVC', number);
	const comment = `-m comment --comment "bench/service-${number}"`;
	const lines = [
		`-A ${own} ! -s ${clusterPrefix[family]} ${portal(family, service)} ${comment} -j KUBE-MARK-MASQ`,
	];
	for (const [i, backend] of backends.entries()) {
		const sep = chain('SEP', sepNumber(number, i));
		const left = backends.length - i;
		const share =
			left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
		lines.push(
			`-A ${own} ${comment}${share} -j ${sep}`,
			`-A ${sep} -s ${backend.address}${exact(family)} ${comment} -j KUBE-MARK-MASQ`,
			`-A ${sep} -p tcp ${comment} -m tcp -j DNAT --to-destination ${endpoint(family, backend)}`,
		);
	}

	return lines;
}

/** The names of those chains, to be made before they are used. */
const iptablesNames = ({backends}: BenchService, number: number): string[] =>
	[chain('SVC', number), ...backends.map((_, i) => chain('SEP', sepNumber(number, i)))].map(
		name => `:${name} - [0:0]`,
	);

/** All of them, for `iptables-restore`. */
export function iptablesRules(family: Family, services: readonly BenchService[]): string {
	const lines = [
		'*nat',
		...services.flatMap((service, i) => iptablesNames(service, i)),
		natHead,
		...services.map(
			(service, i) =>
				`-A KUBE-SERVICES ${portal(family, service)} -m comment --comment "bench/service-${i} cluster IP" -j ${chain('SVC', i)}`,
		),
		natTail,
		...services.flatMap((service, i) => iptablesChains(family, service, i)),
		'COMMIT',
		filter,
	];
	return `${lines.join('\n')}\n`;
}

/**
 * New backends for one of the services that are there, for `iptables-restore --noflush`: chains that
 * are named are emptied and written anew.
 */
export function iptablesUpdate(family: Family, service: BenchService, number: number): string {
	const lines = [
		'*nat',
		...iptablesNames(service, number),
		...iptablesChains(family, service, number),
		'COMMIT',
	];
	return `${lines.join('\n')}\n`;
}

const table = (family: Family): string => `${family === 4 ? 'ip' : 'ip6'} kube-proxy`;
const ip = (family: Family): string => (family === 4 ? 'ip' : 'ip6');
const serviceChain = (number: number): string =>
	`service-${number.toString(36).toUpperCase().padStart(8, '0')}-bench/service-${number}/tcp/http`;
const endpointChain = (number: number, {address, port}: BenchBackend): string =>
	`endpoint-${number.toString(36).toUpperCase().padStart(8, '0')}-bench/service-${number}/tcp/http__${address.replaceAll(':', '.')}/${port}`;

/** A service's own chain and those of its backends: names, then rules. */
function nftablesChains(
	family: Family,
	{address, port, backends}: BenchService,
	number: number,
	short = false,
): {names: string[]; rules: string[]} {
	const own = serviceChain(number);
	const targets = backends.map(backend => endpointChain(number, backend));
	const choice =
		short && targets.length === 1
			? `goto ${targets.join()}`
			: `numgen random mod ${targets.length} vmap { ${targets.map((name, i) => `${i} : goto ${name}`).join(', ')} }`;
	const add = (name: string, rule: string): string => `add rule ${table(family)} ${name} ${rule}`;
	return {
		names: [own, ...targets],
		rules: [
			add(
				own,
				`${ip(family)} daddr ${address} tcp dport ${port} ${ip(family)} saddr != ${clusterPrefix[family]} jump mark-for-masquerade`,
			),
			add(own, choice),
			...backends.flatMap((backend, i) => {
				const name = targets[i] ?? '';
				return [
					add(name, `${ip(family)} saddr ${backend.address} jump mark-for-masquerade`),
					add(name, `meta l4proto tcp dnat to ${endpoint(family, backend)}`),
				];
			}),
		],
	};
}

/**
 * All of them, for `nft -f`; in short, services of one backend have no map to choose it from. For
 * each of these maps the kernel looks for a name by looking at all that there are.
 */
export function nftablesRules(
	family: Family,
	services: readonly BenchService[],
	short = false,
): string {
	const own = table(family);
	const chains = services.map((service, i) => nftablesChains(family, service, i, short));
	const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
	const lines = [
		`add table ${own}`,
		...Object.entries(nftablesBase(family)).flatMap(([name, {hook = ''}]) =>
			`add chain ${own} ${name} ${hook}`.trimEnd(),
		),
		`add set ${own} cluster-ips { type ${address}; comment "Active ClusterIPs"; }`,
		`add set ${own} nodeport-ips { type ${address}; comment "IPs that accept NodePort traffic"; }`,
		`add map ${own} no-endpoint-services { type ${address} . inet_proto . inet_service : verdict; }`,
		`add map ${own} firewall-ips { type ${address} . inet_proto . inet_service : verdict; }`,
		`add map ${own} service-ips { type ${address} . inet_proto . inet_service : verdict; }`,
		`add map ${own} service-nodeports { type inet_proto . inet_service : verdict; }`,
		...chains.flatMap(({names}) => names.map(name => `add chain ${own} ${name}`)),
		...Object.entries(nftablesBase(family)).flatMap(([name, {rules}]) =>
			rules.map(rule => `add rule ${own} ${name} ${rule}`),
		),
		...services.map(service => `add element ${own} cluster-ips { ${service.address} }`),
		...services.map(
			(service, i) =>
				`add element ${own} service-ips { ${service.address} . tcp . ${service.port} : goto ${serviceChain(i)} }`,
		),
		...chains.flatMap(({rules}) => rules),
	];
	return `${lines.join('\n')}\n`;
}

/** New backends for one of the services that are there, for `nft -f`. */
export function nftablesUpdate(family: Family, service: BenchService, number: number): string {
	const {names, rules} = nftablesChains(family, service, number);
	const lines = [
		...names.map(name => `add chain ${table(family)} ${name}`),
		...names.map(name => `flush chain ${table(family)} ${name}`),
		...rules,
	];
	return `${lines.join('\n')}\n`;
}

interface BaseChain {
	readonly hook?: string;
	readonly rules: readonly string[];
}

/** The chains that there are without any service. */
function nftablesBase(family: Family): Record<string, BaseChain> {
	const way = `${ip(family)} daddr`;
	const hook = (type: string, name: string, priority: string): string =>
		`{ type ${type} hook ${name} priority ${priority} ; }`;
	const check = ['ct state new jump firewall-check', 'ct state new jump cluster-ips-check'];
	const endpoints = 'ct state new jump service-endpoints-check';
	return {
		'mark-for-masquerade': {rules: [`mark set mark or ${mark}`]},
		masquerading: {
			rules: [
				`mark and ${mark} == 0 return`,
				`mark set mark xor ${mark}`,
				'masquerade fully-random',
			],
		},
		services: {
			rules: [
				`${way} . meta l4proto . th dport vmap @service-ips`,
				`${way} @nodeport-ips meta l4proto . th dport vmap @service-nodeports`,
			],
		},
		'service-endpoints-check': {
			rules: [`${way} . meta l4proto . th dport vmap @no-endpoint-services`],
		},
		'firewall-check': {rules: [`${way} . meta l4proto . th dport vmap @firewall-ips`]},
		'cluster-ips-check': {
			rules: [`${way} @cluster-ips reject`, `${way} { ${servicePrefix[family]} } drop`],
		},
		'filter-prerouting': {hook: hook('filter', 'prerouting', '-110'), rules: check.slice(0, 1)},
		'filter-input': {hook: hook('filter', 'input', '-110'), rules: [endpoints]},
		'filter-forward': {
			hook: hook('filter', 'forward', '-110'),
			rules: [endpoints, ...check.slice(1)],
		},
		'filter-output': {hook: hook('filter', 'output', '-110'), rules: [endpoints, ...check]},
		'nat-prerouting': {hook: hook('nat', 'prerouting', '-100'), rules: ['jump services']},
		'nat-output': {hook: hook('nat', 'output', '-100'), rules: ['jump services']},
		'nat-postrouting': {hook: hook('nat', 'postrouting', '100'), rules: ['jump masquerading']},
	};
}
