/** Flows as text. */

import type {Flow} from '../../datapath/index.js';
import type {Row} from '../output/table.js';

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function endText(address: string, port: number): string {
	return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `2h13m`, `59s`, `over`. */
export function secondsText(seconds: number): string {
	if (seconds < 0) return 'over';
	const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
	if (hours > 0) return `${hours}h${String(minutes).padStart(2, '0')}m`;
	return minutes > 0 ? `${minutes}m${String(seconds % 60).padStart(2, '0')}s` : `${seconds}s`;
}

/** What a terminal has room for. */
export function rowOf(flow: Flow): Row {
	return {
		proto: flow.protocol.toUpperCase(),
		dir: flow.direction.toUpperCase(),
		source: endText(flow.source, flow.sourcePort),
		destination: endText(flow.destination, flow.destinationPort),
		state: flow.state,
		expires: secondsText(flow.expires),
		packets: flow.packets,
		bytes: flow.bytes,
		identity: flow.sourceIdentity,
		flags: flow.flags.join(' ') || '-',
	};
}

/** What a flow is known by, on one line. */
export function tupleText(flow: Flow): string {
	const {protocol, direction, source, sourcePort, destination, destinationPort} = flow;
	// A service's flow is entered as one that goes out.
	const way = direction === 'in' ? 'IN' : 'OUT';
	const ends = `${endText(source, sourcePort)} -> ${endText(destination, destinationPort)}`;
	const related = flow.related ? ' related' : '';
	return `${protocol.toUpperCase()} ${way} ${ends}${related}${direction === 'service' ? ' service' : ''}`;
}

const hex = (number: number, digits: number): string =>
	`0x${number.toString(16).padStart(digits, '0')}`;

/** All of a flow on one line, times by the datapath's clock. */
export function longText(flow: Flow): string {
	const {rx, tx} = flow;
	const counts =
		rx === undefined || tx === undefined
			? [`Packets=${flow.packets}`, `Bytes=${flow.bytes}`]
			: [
					`RxPackets=${rx.packets} RxBytes=${rx.bytes}`,
					`TxPackets=${tx.packets} TxBytes=${tx.bytes}`,
				];
	return [
		tupleText(flow),
		`expires=${flow.lifetime}`,
		...counts,
		`RxFlagsSeen=${hex(flow.rxFlagsSeen, 2)} LastRxReport=${flow.lastRxReport}`,
		`TxFlagsSeen=${hex(flow.txFlagsSeen, 2)} LastTxReport=${flow.lastTxReport}`,
		`Flags=${hex(flow.flagBits, 4)} [ ${flow.flags.map(name => `${name} `).join('')}]`,
		`RevNAT=${flow.revNat} SourceSecurityID=${flow.sourceIdentity}`,
		`BackendID=${flow.backendId ?? 0}`,
		...(flow.natAddress === undefined
			? []
			: [`NatPort=${flow.natPort ?? 0} NatAddr=${flow.natAddress}`]),
	].join(' ');
}
