/** Words for what policies hold. */

import type {PolicyEnforcement, PolicyMapEntry} from '../../datapath/index.js';
import {reservedIdentities} from '../../datapath/index.js';

const identities = new Map<number, string>(
	Object.entries(reservedIdentities).map(([name, id]) => [id, name]),
);
const protocols = new Map([
	[1, 'ICMP'],
	[6, 'TCP'],
	[17, 'UDP'],
	[58, 'ICMPv6'],
	[132, 'SCTP'],
]);
const authTypes = ['disabled', 'spire', 'test-always-fail'];

/** `ANY`, the name of a reserved identity, or the number. */
export function identityText(id: number): string {
	return id === 0 ? 'ANY' : (identities.get(id) ?? String(id));
}

export function protocolText(protocol: number): string {
	return protocols.get(protocol) ?? String(protocol);
}

/** `80/TCP`, `8000-8191/TCP`, `8/ICMP`, `ANY/UDP`, `ANY`. */
export function portText({protocol, ports, icmpType}: PolicyMapEntry): string {
	if (protocol === undefined) return 'ANY';
	return `${ports ?? icmpType ?? 'ANY'}/${protocolText(protocol)}`;
}

export function authText(type: number): string {
	return authTypes[type] ?? String(type);
}

export function titleCase(word: string): string {
	return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** As `cilium-dbg endpoint list` says it. */
export function enforcementText(
	{audit, ...enforced}: PolicyEnforcement,
	direction: 'ingress' | 'egress',
): string {
	if (!enforced[direction]) return 'Disabled';
	return audit ? 'Disabled (Audit)' : 'Enabled';
}
