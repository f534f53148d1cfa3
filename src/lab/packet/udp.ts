import type {Codec} from './codec.js';
import {draft, setWrong, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import {genevePort, vxlanPort} from './numbers.js';
import {transportChecksum} from './pseudo-header.js';

/** A UDP header. */
export interface UdpLayer {
	readonly layer: 'udp';
	/** Default: 40000. */
	readonly sourcePort: number;
	/** Default: 53; 4789 and 6081 when VXLAN or Geneve follows. */
	readonly destinationPort: number;
	/** Bytes of header and what it carries. */
	readonly length: number;
	/** 0 is none, which IPv6 allows to tunnels only; a sum of 0 is sent as 0xffff. */
	readonly checksum: number;
	readonly wrong?: Wrong<'length' | 'checksum'>;
}

/** What `udp()` is given. */
export type UdpLayerOptions = OptionsOf<UdpLayer>;
/** A layer made by `udp()`, for `packet()`. */
export type UdpDraft = DraftOf<'udp', UdpLayerOptions>;

/** A UDP header. *Throws:* `ERR_USAGE` for an unknown field. */
export function udp(options: UdpLayerOptions = {}): UdpDraft {
	return draft('udp', ['sourcePort', 'destinationPort', 'length', 'checksum'], options);
}

const tunnels: ReadonlySet<string> = new Set(['vxlan', 'geneve']);

export const udpCodec: Codec<UdpLayer, UdpDraft> = {
	derived: ['length', 'checksum'],
	bounded: true,
	size: () => 8,
	complete(given, {next, length, cut}) {
		const right = length + 8 > 0xffff ? 0 : length + 8;
		const tunnelPort =
			next?.layer === 'vxlan' ? vxlanPort : next?.layer === 'geneve' ? genevePort : 53;
		const layer: UdpLayer = {
			layer: 'udp',
			sourcePort: given.sourcePort ?? 40000,
			destinationPort: given.destinationPort ?? tunnelPort,
			length: given.length ?? right,
			checksum: given.checksum ?? 0,
		};
		if (layer.length !== right && !cut) setWrong(layer, 'length', right);
		return layer;
	},
	write(layer, out) {
		out.u16('sourcePort', layer.sourcePort);
		out.u16('destinationPort', layer.destinationPort);
		out.u16('length', layer.length);
		out.u16('checksum', layer.checksum);
	},
	read({view, start, end, cut}) {
		if (end - start < 8) return `${end - start} of 8 bytes`;
		const destinationPort = view.getUint16(start + 2);
		const length = view.getUint16(start + 4);
		const layer: UdpLayer = {
			layer: 'udp',
			sourcePort: view.getUint16(start),
			destinationPort,
			length,
			checksum: view.getUint16(start + 6),
		};
		const isJumbo = length === 0 && end - start > 0xffff;
		const fits = length >= 8 && start + length <= end;
		if (!fits && !isJumbo && !cut) setWrong(layer, 'length', end - start);
		const tunnel =
			destinationPort === vxlanPort
				? 'vxlan'
				: destinationPort === genevePort
					? 'geneve'
					: 'payload';
		return {
			layer,
			size: 8,
			end: fits ? start + length : end,
			next: tunnel,
			cut: !fits && !isJumbo,
		};
	},
	checksum: {
		offset: 6,
		bytes: 2,
		compute(bytes, stack, index) {
			const sum = transportChecksum(bytes, stack, index, 17, 6);
			return sum === 0 ? 0xffff : sum;
		},
		isAbsent(value, stack, index) {
			if (value !== 0) return false;
			const ip = stack.findLast(
				({layer}, i) => i < index && (layer.layer === 'ipv4' || layer.layer === 'ipv6'),
			);
			return ip?.layer.layer === 'ipv4' || tunnels.has(stack[index + 1]?.layer.layer ?? '');
		},
	},
};
