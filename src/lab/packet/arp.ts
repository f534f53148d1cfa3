import {formatIpv4, formatMac} from '../../base/address.js';
import type {Codec} from './codec.js';
import {draft, type DraftOf, type OptionsOf} from './fields.js';

/** ARP for IPv4 on Ethernet. */
export interface ArpLayer {
	readonly layer: 'arp';
	/** 1 asks, 2 answers. Default: 1. */
	readonly operation: number;
	/** Default: 02:00:00:00:00:01. */
	readonly senderMac: string;
	/** Default: 192.0.2.1. */
	readonly senderIp: string;
	/** Default: 00:00:00:00:00:00. */
	readonly targetMac: string;
	/** Default: 192.0.2.2. */
	readonly targetIp: string;
}

const operations = {request: 1, reply: 2} as const;

/** What `arp()` is given. */
export interface ArpOptions extends Omit<OptionsOf<ArpLayer>, 'operation'> {
	readonly operation?: keyof typeof operations | number | undefined;
}

/** A layer made by `arp()`, for `packet()`. */
export type ArpDraft = DraftOf<'arp', ArpOptions>;

const fields = ['operation', 'senderMac', 'senderIp', 'targetMac', 'targetIp'];

/** An ARP request or reply. *Throws:* `ERR_USAGE` for an unknown field. */
export function arp(options: ArpOptions = {}): ArpDraft {
	return draft('arp', fields, options);
}

export const arpCodec: Codec<ArpLayer, ArpDraft> = {
	derived: [],
	size: () => 28,
	complete({operation = 1, ...given}) {
		return {
			layer: 'arp',
			operation: typeof operation === 'number' ? operation : operations[operation],
			senderMac: given.senderMac ?? '02:00:00:00:00:01',
			senderIp: given.senderIp ?? '192.0.2.1',
			targetMac: given.targetMac ?? '00:00:00:00:00:00',
			targetIp: given.targetIp ?? '192.0.2.2',
		};
	},
	write(layer, out) {
		out.u32('hardware and protocol', 0x0001_0800);
		out.u16('lengths', 0x0604);
		out.u16('operation', layer.operation);
		out.mac('senderMac', layer.senderMac);
		out.ipv4('senderIp', layer.senderIp);
		out.mac('targetMac', layer.targetMac);
		out.ipv4('targetIp', layer.targetIp);
	},
	read({view, start, end}) {
		if (end - start < 28) return `${end - start} of 28 bytes`;
		if (view.getUint32(start) !== 0x0001_0800 || view.getUint16(start + 4) !== 0x0604) {
			return 'not of IPv4 on Ethernet';
		}

		return {
			layer: {
				layer: 'arp',
				operation: view.getUint16(start + 6),
				senderMac: formatMac(view, start + 8),
				senderIp: formatIpv4(view, start + 14),
				targetMac: formatMac(view, start + 18),
				targetIp: formatIpv4(view, start + 24),
			},
			size: 28,
			next: 'padding',
		};
	},
};
