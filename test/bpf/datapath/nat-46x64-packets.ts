/** Packets of services whose backends have addresses of the other family, on both sides of the node. */

import type {Packet} from '../../../src/lab/index.js';
import {internetChecksum} from '../../../src/lab/packet/checksum.js';
import {writeService} from '../../helpers/services.js';
import {answered, asked, type DsrEnds} from './dsr-packets.js';
import type {GuardedNode} from './guarded-node.js';
import {onePort, withPort} from './nat-packets.js';
import {families, type Family, type Person} from './people.js';
import type {TableSettings} from './table.js';

const [v4, v6] = families;

/** From the host's addresses, and one port. */
export const readdressing = {
	ipv4: v4.address.host,
	ipv6: v6.address.host,
	ports: [onePort, onePort],
} as const;

export const crossing: TableSettings = {
	nat: readdressing,
	services: {nodePort: true, nat46x64: true},
};

export const other = (f: Family): Family => (f.is6 ? v4 : v6);

/** An address as NAT and conntrack keep it. */
export const mapped = (f: Family, person: Person): string =>
	f.is6 ? f.address[person] : `::ffff:${f.address[person]}`;

/** A service of this family with a backend of the other. */
export const install =
	(f: Family, who: Person = 'lab') =>
	(node: GuardedNode): void => {
		for (const protocol of [6, 17, 132]) {
			writeService(node.maps, {
				...{id: 7, address: f.address.service, port: 80, protocol},
				flags: ['loadBalancer', 'routable', 'nat46x64'],
				backends: [{id: 1, address: other(f).address[who], port: 8080}],
			});
		}
	};

/** What asks, and what answers. */
export interface Exchange {
	readonly name: string;
	readonly ask: DsrEnds;
	readonly answer: DsrEnds;
}

export const overTcp: Exchange = {name: 'TCP', ask: {flags: 'S'}, answer: {flags: 'SA'}};
export const overUdp: Exchange = {name: 'UDP', ask: {}, answer: {}};

/** What asks a service of this family, from the node to the backend. */
export const atBackend = (f: Family, kind: DsrEnds, to: Person = 'lab'): Packet =>
	withPort(asked(other(f), {...kind, from: 'host', to, port: 8080}), 'source', onePort);

/** What answers that. */
export const fromBackend = (f: Family, kind: DsrEnds, from: Person = 'lab'): Packet =>
	withPort(
		answered(other(f), {...kind, from, to: 'host', port: 8080}),
		...(['destination', onePort] as const),
	);

/**
 * Byte by byte, and all checksums are right. IPv4 may cut what IPv6 would not, so a header of it, or the
 * one that an error quotes, has any identification.
 */
export const crossed =
	(wanted: Packet) =>
	(out: Packet): boolean => {
		const bytes = out.bytes.slice();
		if (wanted.get('ipv4')) {
			const at = 14 + (wanted.get('icmp') ? 20 + 8 : 0);
			if (internetChecksum(bytes.subarray(at, at + 20)) !== 0) return false;
			for (const field of [at + 4, at + 10]) {
				bytes.set(wanted.bytes.subarray(field, field + 2), field);
			}
		}

		return out.isSound && Buffer.compare(bytes, wanted.bytes) === 0;
	};
