/** The endpoints of a node: whom the datapath guards. */

import {mkdirSync} from 'node:fs';
import {join, resolve} from 'node:path';

import {formatMacBytes, formatPrefix, parsePrefix} from '../../base/address.js';
import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {interfaceMac} from '../../kernel/sys/interfaces.js';
import {openPinnedLink} from '../../object/link/link.js';
import {
	withInterface,
	type InterfaceTarget,
	type NamespaceOptions,
} from '../../object/link/target.js';
import {tryAttachPinned} from '../../object/link/pinned-tcx.js';
import {openPinnedProgram} from '../../object/program/program.js';
import {DatapathError} from '../datapath-error.js';
import {reservedIdentities} from '../identities/identities.js';
import {Ipcache, writeIpcache} from '../ipcache/ipcache.js';
import {endpointIdOffset, type EndpointInfo, type LxcDevice} from '../layout/endpoint.js';
import {lockedSync} from '../locks.js';
import type {DatapathMaps} from '../maps.js';
import {raiseEndpointRevisions, raisePolicyRevision} from '../revisions.js';
import {emptyFolder, endpointLinkPath, listFolder, programPath, removePins} from '../root.js';
import {attachTcAt, isFilter} from '../tc-hooks.js';
import {EndpointDevices} from './devices.js';

/** An endpoint to be guarded. */
export interface NewEndpoint extends NamespaceOptions {
	/** 1 to 65534; the lowest free one unless given. */
	readonly id?: number;
	/** The host's end of its veth pair: name or index. */
	readonly interface: string | number;
	/** MAC address of the endpoint's own end. */
	readonly mac: string;
	readonly ipv4?: string;
	readonly ipv6?: string;
	/** Number of its identity. */
	readonly identity: number;
	/** Its interface is in the host's own namespace: it is not reached by peer redirect. */
	readonly atHost?: boolean;
	/** Writes its maps only: programs are attached by someone else. */
	readonly attach?: boolean;
}

/** An endpoint as the maps have it. */
export interface Endpoint {
	readonly id: number;
	readonly identity: number;
	readonly addresses: readonly string[];
	readonly ifindex: number;
	readonly mac: string;
	readonly nodeMac: string;
	/** Whether it is the host itself. */
	readonly host: boolean;
	/** `default-deny` per direction, and whether denials are only told. */
	readonly enforcement: {
		readonly ingress: boolean;
		readonly egress: boolean;
		readonly audit: boolean;
	};
}

/** Address and what stands with it. */
type Entry = readonly [address: string, info: EndpointInfo];

/** Flags of `lxc`, as in bpf/types/endpoint.h. */
const hostFlag = 1;
const atHostFlag = 2;
const lastId = 65_534;
/** Programs of each endpoint, and where on its interface. */
const guards = [
	{name: 'from_endpoint', direction: 'ingress'},
	{name: 'to_endpoint', direction: 'egress'},
] as const;

/** The endpoints under a root. */
export class Endpoints {
	private readonly maps: DatapathMaps;
	private readonly ipcache: Ipcache;
	private readonly devices: EndpointDevices;
	private readonly root: string;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
		this.root = resolve(maps.root);
		this.ipcache = new Ipcache(maps);
		this.devices = new EndpointDevices(maps);
	}

	/** All of them, the host included, by id. */
	list(): Endpoint[] {
		const byPlace = new Map<string, {info: EndpointInfo; addresses: string[]}>();
		for (const [{address}, info] of this.maps.require('endpoints')) {
			const place = isHost(info) ? 'host' : `${info.lxc_id}/${info.ifindex}`;
			const known = byPlace.get(place);
			if (known === undefined) byPlace.set(place, {info, addresses: [address]});
			else known.addresses.push(address);
		}

		return [...byPlace.values()]
			.map(({info, addresses}) => this.describe(info, addresses.toSorted()))
			.toSorted((a, b) => a.id - b.id);
	}

	/** The endpoint of that id; never the host. */
	get(id: number): Endpoint | undefined {
		return this.list().find(endpoint => endpoint.id === id && !endpoint.host);
	}

	/** The endpoint that has the address. */
	find(address: string): Endpoint | undefined {
		const info = this.maps.require('endpoints').get({address});
		if (info === undefined) return undefined;
		return this.list().find(({id, ifindex}) => id === info.lxc_id && ifindex === info.ifindex);
	}

	/**
	 * Guards an endpoint from now on: no program is loaded, its entries are written, and the pinned
	 * programs are attached to its interface. Adding it again brings it to what is given.
	 *
	 * *Throws:* `ERR_USAGE` for an endpoint without address or of a wrong id, `ERR_DATAPATH` for
	 * addresses that another endpoint has, `ERR_MAP_FULL`, `ERR_LINK`: all is as it was then.
	 */
	add(endpoint: NewEndpoint): Endpoint {
		const {mac, ipv4, ipv6, identity, atHost = false} = endpoint;
		const addresses = [ipv4, ipv6].filter(address => address !== undefined);
		const action = `add endpoint of interface "${endpoint.interface}"`;
		if (addresses.length === 0) throw new UsageError(`${action}: it has no address`);
		const add = (target: InterfaceTarget): Endpoint => {
			const {ifindex} = target;
			const id = this.checkId(
				action,
				endpoint.id ?? this.devices.idOf(ifindex) ?? this.freeId(),
			);
			this.requireFree(addresses, id);
			const info: EndpointInfo = {
				ifindex,
				lxc_id: id,
				flags: atHost ? atHostFlag : 0,
				mac,
				node_mac: formatMacBytes(interfaceMac(target.name, target.netns)),
				sec_id: identity,
				parent_ifindex: 0,
			};
			const isNew = this.takeFolder(id);
			const before = isNew ? [] : this.entriesOf(id);
			let restoreDevice = (): void => undefined;
			try {
				const map = this.maps.require('endpoints');
				for (const address of addresses) map.set({address}, info);
				restoreDevice = this.devices.write(deviceFor(info, ipv4, ipv6));
				writeIpcache(
					this.maps,
					addresses.map(prefix => ({prefix, identity})),
				);
				raiseEndpointRevisions(this.maps, id);
				if (endpoint.attach !== false) this.attachPrograms(id, target, endpoint, isNew);
				if (!isNew) this.removeOthers(info, before, addresses);
			} catch (error) {
				this.writeEntries(before);
				restoreDevice();
				const added = addresses.map((address): Entry => [address, info]);
				this.removeEntries(
					without(
						added,
						before.map(([address]) => address),
					),
				);
				raisePolicyRevision(this.maps, id);
				if (before.length === 0) removePins(this.folderOf(id));
				throw error;
			}

			return this.describe(info, addresses);
		};
		return this.inTurn(() => withInterface(action, endpoint.interface, endpoint, add));
	}

	/** The node's own addresses: what goes to them goes to the host. */
	setHost(addresses: readonly string[]): void {
		this.inTurn(() => {
			const map = this.maps.require('endpoints');
			for (const address of addresses) {
				map.set({address}, hostInfo);
			}

			const stays = new Set(addresses.map(canonical));
			const gone = [...map].flatMap(([{address}, info]) =>
				isHost(info) && !stays.has(canonical(address)) ? [address] : [],
			);
			for (const address of gone) map.delete({address});
			if (gone.length > 0) this.ipcache.delete(gone);
			this.ipcache.upsert(
				addresses.map(prefix => ({prefix, identity: reservedIdentities.host})),
			);
		});
	}

	/**
	 * Ends an endpoint: detaches its programs and removes its entries; whether there was one. Its
	 * policy and its flows are for `policy.remove` and `conntrack.scrub`.
	 */
	delete(id: number): boolean {
		this.checkId('delete endpoint', id);
		return this.inTurn(() => {
			this.detachPrograms(id);
			const entries = this.entriesOf(id);
			for (const [, {ifindex}] of entries) this.devices.remove(ifindex);
			this.removeEntries(entries);
			raisePolicyRevision(this.maps, id);
			removePins(this.folderOf(id));
			return entries.length > 0;
		});
	}

	/** While no other process changes endpoints. */
	private inTurn<T>(work: () => T): T {
		return lockedSync(this.root, 'endpoints', work);
	}

	/**
	 * Of an endpoint's links. It is there as long as there is any entry of that id, so that those of
	 * a new one need not be looked for among all others.
	 */
	private folderOf(id: number): string {
		return endpointLinkPath(this.root, id, '');
	}

	/** Makes the folder; false where it was there. */
	private takeFolder(id: number): boolean {
		return mkdirSync(this.folderOf(id), {recursive: true, mode: 0o700}) !== undefined;
	}

	private attachPrograms(
		id: number,
		target: InterfaceTarget,
		{netns}: NamespaceOptions,
		isNew: boolean,
	): void {
		const list = guards.map(({name, direction}) => ({
			program: programPath(this.root, name),
			direction,
			pin: endpointLinkPath(this.root, id, name),
		}));
		if (isNew && tryAttachPinned(list, target)) return;
		const namespace = netns === undefined ? {} : {netns};
		for (const {program: path, direction, pin} of list) {
			using program = openPinnedProgram(path);
			attachTcAt({program, direction, pin}, target, namespace);
		}
	}

	/**
	 * They are closed behind their pins: the kernel lets go of a link that only a pin held some time
	 * later, and meanwhile the endpoint could not be added again.
	 */
	private detachPrograms(id: number): void {
		const folder = this.folderOf(id);
		const pins = listFolder(folder).map(name => join(folder, name));
		const links = pins.filter(pin => !isFilter(pin)).map(pin => openPinnedLink(pin));
		try {
			if (pins.length > 0) emptyFolder(folder);
		} finally {
			for (const link of links) link.close();
		}
	}

	/** By addresses. */
	private entriesOf(id: number): Entry[] {
		const map = this.maps.require('endpoints');
		const entries: Entry[] = [];
		for (const {count, keys, values, keySize, valueStride} of map.raw.batches()) {
			const [keyView, view] = [viewOf(keys), viewOf(values)];
			// Of hundreds that are looked at one or two are decoded.
			for (let i = 0, at = 0; i < count; i++, at += valueStride) {
				if (view.getUint16(at + endpointIdOffset, hostLittleEndian) !== id) continue;
				const info = map.valueCodec.decode(view, at);
				const {address} = map.keyCodec.decode(keyView, i * keySize);
				if (!isHost(info)) entries.push([address, info]);
			}
		}

		return entries;
	}

	private writeEntries(entries: readonly Entry[]): void {
		for (const [address, info] of entries) this.maps.require('endpoints').set({address}, info);
		this.ipcache.upsert(entries.map(([prefix, {sec_id: identity}]) => ({prefix, identity})));
	}

	private removeEntries(entries: readonly Entry[]): void {
		for (const [address] of entries) this.maps.require('endpoints').delete({address});
		if (entries.length > 0) this.ipcache.delete(entries.map(([address]) => address));
	}

	/** What an endpoint that was added again has no more. */
	private removeOthers(
		{lxc_id: id, ifindex}: EndpointInfo,
		before: readonly Entry[],
		addresses: readonly string[],
	): void {
		this.removeEntries(without(before, addresses));
		for (const [, old] of before) {
			if (old.ifindex !== ifindex) this.devices.remove(old.ifindex);
		}

		raisePolicyRevision(this.maps, id);
	}

	private requireFree(addresses: readonly string[], id: number): void {
		const map = this.maps.require('endpoints');
		for (const address of addresses) {
			const owner = map.get({address});
			if (owner === undefined || (owner.lxc_id === id && !isHost(owner))) continue;
			const who = isHost(owner) ? 'the host' : `endpoint ${owner.lxc_id}`;
			throw new DatapathError('add endpoint', address, `${who} has this address`);
		}
	}

	private freeId(): number {
		const taken = new Set<number>();
		for (const {value} of this.maps.require('endpoints').cursor()) taken.add(value.lxc_id);
		for (let id = 1; id <= lastId; id++) if (!taken.has(id)) return id;
		throw new DatapathError('add endpoint', '', `all ${lastId} ids are taken`);
	}

	private checkId(action: string, id: number): number {
		if (Number.isInteger(id) && id >= 1 && id <= lastId) return id;
		throw new UsageError(`${action}: an id is a whole number from 1 to ${lastId}, got ${id}`);
	}

	private describe(info: EndpointInfo, addresses: readonly string[]): Endpoint {
		const settings = this.maps.endpointSettings;
		const flags = (settings?.known && settings.map.get(info.lxc_id)?.flags) || 0;
		return {
			id: info.lxc_id,
			identity: info.sec_id,
			addresses,
			ifindex: info.ifindex,
			mac: info.mac,
			nodeMac: info.node_mac,
			host: isHost(info),
			enforcement: {
				ingress: (flags & 1) !== 0,
				egress: (flags & 2) !== 0,
				audit: (flags & 4) !== 0,
			},
		};
	}
}

const noMac = '00:00:00:00:00:00';
const hostInfo: EndpointInfo = {
	ifindex: 0,
	lxc_id: 0,
	flags: hostFlag,
	mac: noMac,
	node_mac: noMac,
	sec_id: reservedIdentities.host,
	parent_ifindex: 0,
};

function deviceFor(info: EndpointInfo, ip4 = '0.0.0.0', ip6 = '::'): LxcDevice {
	const {ifindex, lxc_id, flags, mac, node_mac, sec_id} = info;
	return {ip4, ip6, mac, node_mac, sec_id, ifindex, lxc_id, flags};
}

/** Entries of other addresses than these. */
function without(entries: readonly Entry[], addresses: readonly string[]): Entry[] {
	const left = new Set(addresses.map(canonical));
	return entries.filter(([address]) => !left.has(canonical(address)));
}

const isHost = ({flags}: EndpointInfo): boolean => (flags & hostFlag) !== 0;
const canonical = (address: string): string => formatPrefix(parsePrefix(address));
