/** Which flows are meant: conditions on the bytes of keys and entries. */

import {parsePrefix, type Prefix} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import type {ElementFilter} from '../../object/map/fast-filter.js';
import {protocolNumber} from '../protocols.js';
import {flowDirections, type FlowDirection} from './flow.js';
import {
	EntryReader,
	flowStates,
	keyFlags,
	keyPlaces,
	stateOf,
	type FlowState,
	type KeyPlaces,
} from './raw-entry.js';

/** Conditions that all have to hold. Of lists one is enough. */
export interface FlowFilter {
	/** Address or prefix of either end. */
	readonly address?: string | readonly string[];
	/** Address or prefix of who opened the flow. */
	readonly source?: string;
	/** Address or prefix of whom it was opened to. */
	readonly destination?: string;
	/** Of either end; for ICMP echo the identifier. */
	readonly port?: number;
	/** Name or number as text. */
	readonly protocol?: string;
	readonly direction?: FlowDirection;
	readonly state?: FlowState;
	/** Of the source. */
	readonly identity?: number;
}

/** One of the maps of conntrack. */
export interface FlowTable {
	readonly family: 4 | 6;
	readonly tcp: boolean;
}

/** Opens the bytes of many elements: the result judges the element at these offsets. */
export type FlowMatch = (
	keys: Uint8Array,
	values: Uint8Array,
) => (keyAt: number, valueAt: number) => boolean;

type KeyMatch = (keys: Uint8Array, at: number) => boolean;
type ValueMatch = (entry: EntryReader, at: number) => boolean;

const names = new Set([
	...['address', 'source', 'destination', 'port', 'protocol', 'direction', 'state', 'identity'],
]);

/** A filter that was read once and judges the elements of any table. */
export class FlowCondition {
	private readonly filter: FlowFilter;
	private readonly either: readonly Prefix[] | undefined;
	private readonly source: Prefix | undefined;
	private readonly destination: Prefix | undefined;
	private readonly protocol: number | undefined;

	/** *Throws:* `ERR_USAGE`, `ERR_ADDRESS`. */
	constructor(filter: FlowFilter) {
		const unknown = Object.keys(filter).find(name => !names.has(name));
		if (unknown !== undefined) throw refuse(`there is no condition "${unknown}"`);
		const {address, source, destination, port, protocol, direction, state, identity} = filter;
		if (port !== undefined && !isWhole(port, 0xffff)) throw refuse(`there is no port ${port}`);
		if (identity !== undefined && !isWhole(identity, 0xff_ff_ff_ff)) {
			throw refuse(`there is no identity ${identity}`);
		}

		if (direction !== undefined && !flowDirections.includes(direction)) {
			throw refuse(`direction is one of ${flowDirections.join(', ')}, not "${direction}"`);
		}

		if (state !== undefined && !flowStates.includes(state)) {
			throw refuse(`state is one of ${flowStates.join(', ')}, not "${state}"`);
		}

		this.filter = filter;
		this.either =
			address === undefined ? undefined : [address].flat().map(each => parsePrefix(each));
		this.source = source === undefined ? undefined : parsePrefix(source);
		this.destination = destination === undefined ? undefined : parsePrefix(destination);
		this.protocol = protocol === undefined ? undefined : protocolNumber(protocol);
	}

	/** True where it is met by everything. */
	get isEmpty(): boolean {
		return Object.values(this.filter).every(value => value === undefined);
	}

	/** Undefined where no element of the table can meet it. */
	matchFor({family, tcp}: FlowTable): FlowMatch | undefined {
		const places = keyPlaces[family];
		if (this.protocol !== undefined && (this.protocol === 6) !== tcp) return undefined;
		const keyMatches = this.keyMatches(places);
		if (keyMatches === undefined) return undefined;
		const valueMatches = this.valueMatches(tcp);
		return (keys, values) => {
			const entry = new EntryReader(values);
			return (keyAt, valueAt) => {
				for (const match of keyMatches) if (!match(keys, keyAt)) return false;
				for (const match of valueMatches) if (!match(entry, valueAt)) return false;
				return true;
			};
		};
	}

	/** What of it the kernel can judge by itself. */
	narrow({tcp}: FlowTable): ElementFilter {
		const {direction, identity} = this.filter;
		const {source, destination} = this.filter;
		return {
			...(this.protocol === undefined || tcp ? {} : {nexthdr: this.protocol}),
			...(direction === 'service' ? {flags: {min: keyFlags.service}} : {}),
			...(direction === 'in' || direction === 'out'
				? {flags: {max: keyFlags.service - 1}}
				: {}),
			...(identity === undefined ? {} : {src_sec_id: identity}),
			...(source === undefined ? {} : {daddr: source}),
			...(destination === undefined ? {} : {saddr: destination}),
		};
	}

	private keyMatches(places: KeyPlaces): KeyMatch[] | undefined {
		const matches: KeyMatch[] = [];
		const {source, destination, protocol, either} = this;
		for (const [prefix, at] of [[source, 0] as const, [destination, places.address] as const]) {
			if (prefix === undefined) continue;
			if (prefix.address.length !== places.address) return undefined;
			matches.push(prefixMatch(prefix, at));
		}

		if (either !== undefined) {
			const match = eitherMatch(either, places);
			if (match === undefined) return undefined;
			matches.push(match);
		}

		const {port, direction} = this.filter;
		if (protocol !== undefined && protocol !== 6) {
			matches.push((keys, at) => keys[at + places.protocol] === protocol);
		}

		if (port !== undefined) {
			const [high, low] = [port >> 8, port & 0xff];
			const is: KeyMatch = (keys, at) => keys[at] === high && keys[at + 1] === low;
			matches.push((keys, at) => is(keys, at + places.dport) || is(keys, at + places.sport));
		}

		if (direction !== undefined) {
			const {service} = keyFlags;
			const mask = direction === 'service' ? service : service | keyFlags.in;
			const flags = direction === 'out' ? 0 : keyFlags[direction];
			matches.push((keys, at) => ((keys[at + places.flags] ?? 0) & mask) === flags);
		}

		return matches;
	}

	private valueMatches(tcp: boolean): ValueMatch[] {
		const {state, identity} = this.filter;
		const matches: ValueMatch[] = [];
		if (identity !== undefined) matches.push((entry, at) => entry.identity(at) === identity);
		if (state !== undefined) {
			matches.push(
				(entry, at) => stateOf(tcp, entry.flags(at), entry.isReplied(at)) === state,
			);
		}

		return matches;
	}
}

/** Whole addresses are looked up, however many they are; prefixes are tried one by one. */
function eitherMatch(prefixes: readonly Prefix[], places: KeyPlaces): KeyMatch | undefined {
	const size = places.address;
	const own = prefixes.filter(({address}) => address.length === size);
	if (own.length === 0) return undefined;
	const whole = new Set(
		own
			.filter(({length}) => length === size * 8)
			.map(({address}) => bytesKey(address, 0, size)),
	);
	const tried = own
		.filter(({length}) => length !== size * 8)
		.flatMap(prefix => [prefixMatch(prefix, 0), prefixMatch(prefix, size)]);
	const [only] = own;
	if (only !== undefined && own.length === 1) {
		const [first, second] = [prefixMatch(only, 0), prefixMatch(only, size)];
		return (keys, at) => first(keys, at) || second(keys, at);
	}

	return (keys, at) =>
		whole.has(bytesKey(keys, at, size)) ||
		whole.has(bytesKey(keys, at + size, size)) ||
		tried.some(match => match(keys, at));
}

function bytesKey(bytes: Uint8Array, at: number, size: number): string {
	let key = '';
	for (let i = 0; i < size; i++) key += String.fromCharCode(bytes[at + i] ?? 0);
	return key;
}

function prefixMatch({address, length}: Prefix, place: number): KeyMatch {
	const whole = length >> 3;
	const mask = (0xff00 >> (length & 7)) & 0xff;
	const last = (address[whole] ?? 0) & mask;
	return (keys, at) => {
		const start = at + place;
		for (let i = 0; i < whole; i++) if (keys[start + i] !== address[i]) return false;
		return mask === 0 || ((keys[start + whole] ?? 0) & mask) === last;
	};
}

function isWhole(number: number, most: number): boolean {
	return Number.isInteger(number) && number >= 0 && number <= most;
}

function refuse(detail: string): UsageError {
	return new UsageError(`filter flows: ${detail}`);
}
