/** Which events a monitor tells of. */

import {parsePrefix, type Prefix} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {parseDropReason} from '../reasons.js';
import {
	eventKinds,
	type DropEvent,
	type EventKind,
	type PolicyVerdictEvent,
	type SocketEvent,
	type TraceEvent,
} from './events.js';
import {findPlaces} from './packet-flow.js';

/**
 * Which events are wanted: those for which every field that is given holds, each of them by one of
 * its values. Lost events are always told, and events of a kind that is wanted whose layout is not
 * known.
 */
export interface MonitorFilter {
	readonly kinds?: readonly EventKind[];
	/** Endpoints that sent the packet. */
	readonly from?: readonly number[];
	/** Endpoints that the packet is for. */
	readonly to?: readonly number[];
	/** Endpoints on either side. */
	readonly relatedTo?: readonly number[];
	/** Identities of either side. */
	readonly identities?: readonly number[];
	/** Addresses or prefixes of either side, of both families: `10.0.0.1`, `2001:db8::/32`. */
	readonly addresses?: readonly string[];
	/** Ports of either side. */
	readonly ports?: readonly number[];
	/** Drop reasons, of drops and of verdicts: by number or name, see `parseDropReason`. */
	readonly reasons?: readonly (number | string)[];
}

type Filtered = DropEvent | TraceEvent | PolicyVerdictEvent;
type Test = (event: Filtered | SocketEvent) => boolean;

/** Sockets have neither endpoints nor identities. */
const ofPackets =
	(test: (event: Filtered) => boolean): Test =>
	event =>
		event.kind !== 'trace-sock' && test(event);

/** A filter that is ready to be asked. */
export interface ReadyFilter {
	/** Kinds of which events are read at all. */
	readonly kinds: ReadonlySet<EventKind>;
	/** Nothing is asked for: events of no kind are told, too. */
	readonly isEmpty: boolean;
	/** Does an event of such a kind pass? */
	readonly passes: Test;
}

const fields = new Set([
	'kinds',
	'from',
	'to',
	'relatedTo',
	'identities',
	'addresses',
	'ports',
	'reasons',
]);

/** *Throws:* `ERR_USAGE`, `ERR_ADDRESS`. */
export function prepareFilter(filter: MonitorFilter): ReadyFilter {
	const unknown = Object.keys(filter).find(name => !fields.has(name));
	if (unknown !== undefined) throw new UsageError(`filter events: there is no "${unknown}"`);
	const kinds = filter.kinds ?? eventKinds;
	const wrong = kinds.find(kind => !eventKinds.includes(kind));
	if (wrong !== undefined) throw new UsageError(`filter events: there is no kind "${wrong}"`);
	const tests = [...testsOf(filter)];
	return {
		kinds: new Set(kinds),
		isEmpty: Object.keys(filter).length === 0,
		passes: event => tests.every(test => test(event)),
	};
}

function* testsOf(filter: MonitorFilter): Generator<Test> {
	const {from, to, relatedTo, identities, addresses, ports, reasons} = filter;
	if (from !== undefined) yield ofPackets(event => from.includes(sideOf(event).from));
	if (to !== undefined) yield ofPackets(event => to.includes(sideOf(event).to));
	if (relatedTo !== undefined) {
		yield ofPackets(event => {
			const side = sideOf(event);
			return relatedTo.includes(side.from) || relatedTo.includes(side.to);
		});
	}

	if (identities !== undefined) {
		yield ofPackets(event => identitiesOf(event).some(each => identities.includes(each)));
	}

	if (reasons !== undefined) {
		const codes = new Set(
			reasons.map(each => (typeof each === 'number' ? each : parseDropReason(each))),
		);
		yield ofPackets(event => event.kind !== 'trace' && codes.has(event.reason));
	}

	if (addresses !== undefined || ports !== undefined) {
		const prefixes = addresses?.map(each => parsePrefix(each));
		const ofPacket = packetTest(prefixes, ports);
		yield event =>
			event.kind === 'trace-sock' ? isPeer(event, prefixes, ports) : ofPacket(event);
	}
}

/** Endpoints of this node; none is -1, which no endpoint is. */
function sideOf(event: Filtered): {readonly from: number; readonly to: number} {
	const source = event.source === 0 ? none : event.source;
	if (event.kind === 'policy-verdict') {
		return event.direction === 'egress' ? {from: source, to: none} : {from: none, to: source};
	}

	const to = event.destinationEndpoint === 0 ? none : event.destinationEndpoint;
	// A program that works for the one who gets the packet says nothing of who sent it.
	return {from: source === to ? none : source, to};
}

const none = -1;

function identitiesOf(event: Filtered): readonly number[] {
	if (event.kind === 'policy-verdict') return [event.remoteIdentity];
	return [event.sourceIdentity, event.destinationIdentity];
}

function isPeer(
	event: SocketEvent,
	prefixes: readonly Prefix[] | undefined,
	ports: readonly number[] | undefined,
): boolean {
	const {address} = parsePrefix(event.address);
	const isCovered = prefixes?.some(prefix => covers(prefix, address)) ?? true;
	return isCovered && (ports?.includes(event.port) ?? true);
}

function packetTest(
	prefixes: readonly Prefix[] | undefined,
	ports: readonly number[] | undefined,
): (event: Filtered) => boolean {
	return ({packet, isL3}) => {
		const view = viewOf(packet);
		const places = findPlaces(view, isL3);
		if (places === undefined) return false;
		const {family, sourceAt, destinationAt, portsAt} = places;
		if (prefixes !== undefined) {
			const size = family === 'ipv4' ? 4 : 16;
			const source = packet.subarray(sourceAt, sourceAt + size);
			const destination = packet.subarray(destinationAt, destinationAt + size);
			const isCovered = prefixes.some(
				prefix => covers(prefix, source) || covers(prefix, destination),
			);
			if (!isCovered) return false;
		}

		if (ports === undefined) return true;
		return (
			portsAt !== undefined &&
			(ports.includes(view.getUint16(portsAt)) || ports.includes(view.getUint16(portsAt + 2)))
		);
	};
}

function covers({address, length}: Prefix, other: Uint8Array): boolean {
	if (address.length !== other.length) return false;
	const whole = length >> 3;
	for (let i = 0; i < whole; i++) if (address[i] !== other[i]) return false;
	const mask = (0xff00 >> (length & 7)) & 0xff;
	return mask === 0 || ((address[whole] ?? 0) & mask) === ((other[whole] ?? 0) & mask);
}
