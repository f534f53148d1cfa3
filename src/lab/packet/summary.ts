/** A packet in one line. */

import {IcmpType, type IcmpLayer} from './icmp.js';
import {Icmpv6Type, type Icmpv6Layer} from './icmpv6.js';
import type {Layer} from './layers.js';
import {etherTypeName, protocolName} from './numbers.js';
import type {TcpLayer} from './tcp.js';
import type {TcpOption} from './tcp-options.js';

/** What kinds of layers say in one line, from the outermost on. */
export function summarize(layers: readonly Layer[]): string {
	if (layers.length === 0) return 'nothing';
	const words: string[] = [];
	let addresses: readonly [string, string] | undefined;
	const flush = (): void => {
		if (addresses) words.push(`${addresses[0]} > ${addresses[1]}`);
		addresses = undefined;
	};
	for (const [i, layer] of layers.entries()) {
		const next = layers[i + 1];
		switch (layer.layer) {
			case 'ethernet':
				if (next === undefined || isOpaque(next)) {
					words.push(`${layer.source} > ${layer.destination}`);
					words.push(`ethertype ${hexOf(layer.etherType, 4)}`);
				}

				break;
			case 'ipv4':
			case 'ipv6': {
				flush();
				addresses = [layer.source, layer.destination];
				if (layer.layer === 'ipv4' && (layer.moreFragments || layer.fragmentOffset > 0)) {
					flush();
					words.push(fragmentText(layer));
				} else if (next === undefined || isOpaque(next)) {
					flush();
					const number = layer.layer === 'ipv4' ? layer.protocol : layer.nextHeader;
					words.push(protocolName(number) ?? `protocol ${number}`);
				} else if (next.layer === 'ipv4' || next.layer === 'ipv6') {
					flush();
					words.push('ip-in-ip:');
				}

				break;
			}

			case 'tcp':
			case 'udp':
			case 'sctp':
				if (addresses) {
					const [source, destination] = addresses;
					addresses = undefined;
					words.push(`${endpoint(source, layer.sourcePort)} >`);
					words.push(endpoint(destination, layer.destinationPort));
				} else {
					words.push(`port ${layer.sourcePort} > ${layer.destinationPort}`);
				}

				words.push(layer.layer === 'tcp' ? tcpText(layer) : layer.layer);
				if (layer.layer === 'sctp') {
					words.push(`[${layer.chunks.map(({kind}) => kind).join(' ')}]`);
				}

				break;
			default:
				flush();
				words.push(...wordsOf(layer));
		}

		words.push(...wrongText(layer));
	}

	flush();
	return words.filter(word => word !== '').join(' ');
}

/** `wrong checksum 0xdead, not 0x1234`, for each field that is wrong. */
function wrongText(layer: Layer): string[] {
	if (!('wrong' in layer)) return [];
	const values = layer as unknown as Readonly<Record<string, number>>;
	const texts = Object.entries(layer.wrong as Readonly<Record<string, number>>).map(
		([field, right]) => {
			const text = (value: number): string =>
				field === 'checksum' ? hexOf(value, 4) : String(value);
			return `${layer.layer} ${field} ${text(values[field] ?? 0)}, not ${text(right)}`;
		},
	);
	return [`(wrong: ${texts.join('; ')})`];
}

function wordsOf(layer: Layer): string[] {
	switch (layer.layer) {
		case 'vlan':
			return [`vlan ${layer.id}`];
		case 'arp':
			return [arpText(layer)];
		case 'icmp':
			return [icmpText(layer, nameOf(IcmpType, layer.type))];
		case 'icmpv6':
			return [icmpText(layer, nameOf(Icmpv6Type, layer.type))];
		case 'fragment':
			return [fragmentText(layer)];
		case 'hopByHop':
		case 'destinationOptions':
		case 'ah':
			return [layer.layer];
		case 'routing':
			return [`routing type ${layer.routingType} left ${layer.segmentsLeft}`];
		case 'vxlan':
		case 'geneve':
			return [`${layer.layer} ${layer.vni}:`];
		case 'payload':
			return layer.malformed === undefined
				? [`length ${layer.bytes.length}`]
				: [`length ${layer.bytes.length} (malformed ${layer.malformed})`];
		case 'padding':
			return [`padding ${layer.bytes.length}`];
		default:
			return [layer.layer];
	}
}

function arpText(layer: Extract<Layer, {layer: 'arp'}>): string {
	if (layer.operation === 1) return `arp who has ${layer.targetIp}, tell ${layer.senderIp}`;
	if (layer.operation === 2) return `arp ${layer.senderIp} is at ${layer.senderMac}`;
	return `arp operation ${layer.operation} ${layer.senderIp} > ${layer.targetIp}`;
}

function tcpText(layer: TcpLayer): string {
	const {flags, sequence, acknowledgment, window, options} = layer;
	const words = [`tcp ${flags === '' ? 'no flags' : flags} seq ${sequence}`];
	if (flags.includes('A')) words.push(`ack ${acknowledgment}`);
	words.push(`win ${window}`);
	if (options.length > 0) words.push(`[${options.map(optionText).join(' ')}]`);
	return words.join(' ');
}

function optionText(option: TcpOption): string {
	switch (option.kind) {
		case 'mss':
			return `mss ${option.size}`;
		case 'windowScale':
			return `wscale ${option.shift}`;
		case 'sack':
			return `sack ${option.blocks.map(([left, right]) => `${left}-${right}`).join(',')}`;
		case 'timestamps':
			return `ts ${option.value}/${option.echo}`;
		case 'raw':
			return `option ${option.type}`;
		case 'sackPermitted':
			return 'sackOK';
		default:
			return option.kind;
	}
}

function icmpText(layer: IcmpLayer | Icmpv6Layer, name: string): string {
	const words = [layer.layer, name];
	if (layer.code !== 0) words.push(`code ${layer.code}`);
	if (layer.identifier !== undefined)
		words.push(`id ${layer.identifier} seq ${layer.sequence ?? 0}`);
	if (layer.mtu !== undefined && layer.mtu > 0) words.push(`mtu ${layer.mtu}`);
	if ('gateway' in layer && layer.gateway !== undefined) words.push(`to ${layer.gateway}`);
	if ('target' in layer && layer.target !== undefined) words.push(layer.target);
	if (layer.original) words.push(`about {${String(layer.original)}}`);
	return words.join(' ');
}

function fragmentText(layer: Extract<Layer, {layer: 'ipv4' | 'fragment'}>): string {
	const {identification, fragmentOffset, moreFragments} = layer;
	const number = layer.layer === 'ipv4' ? layer.protocol : layer.nextHeader;
	const protocol = protocolName(number) ?? `protocol ${number}`;
	const more = moreFragments ? '+' : '';
	return `fragment of ${protocol} id ${identification} at ${fragmentOffset}${more}`;
}

function isOpaque({layer}: Layer): boolean {
	return layer === 'payload' || layer === 'padding';
}

function endpoint(address: string, port: number): string {
	return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function nameOf(types: Readonly<Record<string, number>>, type: number): string {
	return Object.entries(types).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
}

/** `0x0800`, and the name of what it stands for. */
export function etherTypeText(value: number): string {
	const name = etherTypeName(value);
	return name === undefined ? hexOf(value, 4) : `${hexOf(value, 4)} ${name}`;
}

/** `0x0a`. */
export function hexOf(value: number, digits: number): string {
	return `0x${value.toString(16).padStart(digits, '0')}`;
}
