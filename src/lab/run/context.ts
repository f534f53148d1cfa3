/** The context of a packet program by its fields: `xdp_md` and `__sk_buff`. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {nearest} from '../../base/suggest.js';
import {UsageError} from '../../base/errors.js';
import type {ProgramType} from '../../uapi/program-types.js';

/**
 * Fields of a program's context, by the kernel's names.
 *
 * XDP has `ingress_ifindex` and `rx_queue_index`; tc, cgroup_skb and the like have the others and
 * `ingress_ifindex`. Interfaces are those of the network namespace that this process is in.
 */
export interface PacketContext {
	/** The interface it came by. */
	readonly ingress_ifindex?: number;
	/** Less than the number of queues of `ingress_ifindex`. */
	readonly rx_queue_index?: number;
	readonly mark?: number;
	readonly priority?: number;
	/** The interface it is on; 1, the loopback device, unless given. */
	readonly ifindex?: number;
	/** Five words that programs on the way leave for each other. */
	readonly cb?: readonly number[];
	readonly tstamp?: bigint;
	readonly wire_len?: number;
	readonly gso_segs?: number;
	readonly gso_size?: number;
	readonly hwtstamp?: bigint;
}

interface Field {
	readonly offset: number;
	/** Bytes of one word. */
	readonly width: 4 | 8;
	readonly words?: number;
}

type Fields = Readonly<Partial<Record<keyof PacketContext, Field>>>;

/** Where the kernel's `xdp_md` ends, and where it has what. */
const xdpSize = 24;
const xdpData = 0;
const xdpDataEnd = 4;
const xdpFields: Fields = {
	ingress_ifindex: {offset: 12, width: 4},
	rx_queue_index: {offset: 16, width: 4},
};

const skbSize = 192;
const skbFields: Fields = {
	mark: {offset: 8, width: 4},
	priority: {offset: 32, width: 4},
	ingress_ifindex: {offset: 36, width: 4},
	ifindex: {offset: 40, width: 4},
	cb: {offset: 48, width: 4, words: 5},
	tstamp: {offset: 152, width: 8},
	wire_len: {offset: 160, width: 4},
	gso_segs: {offset: 164, width: 4},
	gso_size: {offset: 176, width: 4},
	hwtstamp: {offset: 184, width: 8},
};

/** Types that run on `__sk_buff`; those whose packet has its Ethernet header have true. */
const skbTypes: ReadonlyMap<ProgramType, boolean> = new Map<ProgramType, boolean>([
	['sched_cls', true],
	['sched_act', true],
	['cgroup_skb', false],
	['socket_filter', false],
	['lwt_in', false],
	['lwt_out', false],
	['lwt_xmit', false],
	['lwt_seg6local', false],
]);

/** What is run on packets here; undefined for other types. */
export function contextKind(type: ProgramType): 'xdp' | 'skb' | undefined {
	if (type === 'xdp') return 'xdp';
	return skbTypes.has(type) ? 'skb' : undefined;
}

/** Programs of this type see the packet from its Ethernet header on. */
export function seesEthernet(type: ProgramType): boolean {
	return type === 'xdp' || skbTypes.get(type) === true;
}

/**
 * The context as bytes. `length` and `metadata` are the packet's bytes and those before it, which
 * XDP alone has. *Throws:* `ERR_USAGE` for a field that the program's context does not have.
 */
export function encodeContext(
	kind: 'xdp' | 'skb',
	context: PacketContext,
	length: number,
	metadata: number,
): Uint8Array {
	const bytes = new Uint8Array(kind === 'xdp' ? xdpSize : skbSize);
	const view = viewOf(bytes);
	const fields = kind === 'xdp' ? xdpFields : skbFields;
	for (const [name, value] of Object.entries(context)) {
		const field = Object.hasOwn(fields, name) ? fields[name as keyof PacketContext] : undefined;
		if (field === undefined) throw unknownField(kind, name, Object.keys(fields));
		if (value !== undefined) writeField(view, name, field, value);
	}

	if (kind === 'xdp') {
		view.setUint32(xdpData, metadata, hostLittleEndian);
		view.setUint32(xdpDataEnd, metadata + length, hostLittleEndian);
	}

	return bytes;
}

function unknownField(kind: string, name: string, known: readonly string[]): UsageError {
	const close = nearest(name, known);
	const advice = close === undefined ? known.join(', ') : `did you mean "${close}"?`;
	return new UsageError(`set context: the ${kind} context takes no field "${name}": ${advice}`);
}

function writeField(view: DataView, name: string, field: Field, value: unknown): void {
	const {offset, width, words = 1} = field;
	const values: unknown[] = Array.isArray(value) ? value : [value];
	if (Array.isArray(value) !== words > 1 || values.length > words) {
		throw new UsageError(
			`set context: field "${name}" takes ${words === 1 ? 'one number' : `up to ${words} numbers`}`,
		);
	}

	for (const [i, word] of values.entries()) {
		const limit = width === 8 ? 1n << 64n : 1n << 32n;
		const whole = typeof word === 'bigint' || Number.isSafeInteger(word);
		const number = whole ? BigInt(word as number | bigint) : -1n;
		if (number < 0n || number >= limit) {
			throw new UsageError(
				`set context: field "${name}" takes whole numbers of ${width * 8} bits, got ${String(word)}`,
			);
		}

		if (width === 8) view.setBigUint64(offset + i * 8, number, hostLittleEndian);
		else view.setUint32(offset + i * 4, Number(number), hostLittleEndian);
	}
}

/** The fields that a program may have changed, and those that were given. */
export function decodeContext(kind: 'xdp' | 'skb', bytes: Uint8Array): PacketContext {
	const view = viewOf(bytes);
	const word = (offset: number): number => view.getUint32(offset, hostLittleEndian);
	const read = ({offset, width, words}: Field): unknown => {
		if (width === 8) return view.getBigUint64(offset, hostLittleEndian);
		if (words === undefined) return word(offset);
		return Array.from({length: words}, (_, i) => word(offset + i * 4));
	};
	const fields = Object.entries(kind === 'xdp' ? xdpFields : skbFields);
	// Kernels that know less of the structure give back less of it.
	const there = fields.filter(
		([, {offset, width, words = 1}]) => offset + width * words <= bytes.length,
	);
	return Object.fromEntries(there.map(([name, field]) => [name, read(field)]));
}

/** Bytes of metadata before the packet that an XDP program left. */
export function metadataLength(bytes: Uint8Array): number {
	return viewOf(bytes).getUint32(xdpData, hostLittleEndian);
}
