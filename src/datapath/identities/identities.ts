/** Labels and the numbers that stand for them in packets' verdicts. */

import {existsSync} from 'node:fs';
import {constants} from 'node:os';
import {join} from 'node:path';

import {hostLittleEndian} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {createMap} from '../../object/map/create-map.js';
import type {BpfMap} from '../../object/map/map.js';
import {openPinnedMap} from '../../object/map/open-map.js';
import {PinError} from '../../object/pin/pin-error.js';
import {DatapathError} from '../datapath-error.js';
import {lockedSync} from '../locks.js';

/** Whose traffic it is. */
export interface Identity {
	readonly id: number;
	/** `k8s:app=web`, sorted; of reserved ones `reserved:host`, of prefixes `cidr:10.0.0.0/8`. */
	readonly labels: readonly string[];
	readonly scope: 'reserved' | 'cluster' | 'local';
}

/** Numbers that mean the same on every node. */
export const reservedIdentities = {
	unknown: 0,
	host: 1,
	world: 2,
	unmanaged: 3,
	health: 4,
	init: 5,
	'remote-node': 6,
	'kube-apiserver': 7,
	ingress: 8,
	'world-ipv4': 9,
	'world-ipv6': 10,
} as const;

/** Name of an identity that is the same everywhere. */
export type ReservedIdentity = keyof typeof reservedIdentities;

const firstOfCluster = 256;
const lastOfCluster = 0xffff;
/** Of prefixes, which mean something on this node only. */
const firstLocal = 0x01_00_00_01;
const lastLocal = 0x01_ff_ff_ff;
const labelBytes = 1024;
const pinName = 'identities';
const noPrealloc = 1;

/**
 * What labels a number has, kept in a pinned map beside the datapath's own. Rules that name labels
 * follow what `Policies.allocate` and `release` change; for changes made here there is `refresh`.
 */
export class Identities implements Disposable {
	private readonly root: string;
	private readonly map: BpfMap<Uint8Array, Uint8Array>;
	private readonly numbers = new Map<string, number>();

	/** Use `Identities.open`. */
	private constructor(root: string, map: BpfMap<Uint8Array, Uint8Array>) {
		this.root = root;
		this.map = map;
	}

	/** Opens the identities under a root; makes their map when `write` is set and there is none. */
	static open(root: string, {write = false}: {readonly write?: boolean} = {}): Identities {
		const path = join(root, pinName);
		if (!existsSync(path)) {
			if (!write) throw new DatapathError('open identities', path, 'nothing is pinned there');
			createPinned(path);
		}

		return new Identities(root, openPinnedMap(path, {raw: true}));
	}

	/** Reserved ones and all that were given out, by number. */
	list(): Identity[] {
		const given = [...this.map].map(([key, value]) =>
			identityOf(numberOf(key), labelsOf(value)),
		);
		return [...reserved(), ...given.toSorted((a, b) => a.id - b.id)];
	}

	/** The identity of a number; undefined where nobody gave it out. */
	get(id: number): Identity | undefined {
		const known = reserved().find(identity => identity.id === id);
		if (known !== undefined) return known;
		const value = isNumber(id) ? this.map.get(keyOf(id)) : undefined;
		return value && identityOf(id, labelsOf(value));
	}

	/** The identity that has exactly these labels; undefined where there is none. */
	find(labels: readonly string[]): Identity | undefined {
		const text = canonical(labels);
		const isMeant = ({labels: its}: Identity): boolean => its.join('\n') === text;
		const known = this.get(this.numbers.get(text) ?? -1);
		if (known !== undefined && isMeant(known)) return known;
		const found = this.list().find(isMeant);
		if (found !== undefined) this.numbers.set(text, found.id);
		return found;
	}

	/**
	 * The identity of these labels, given a number where it has none. Labels that say `cidr:` get one
	 * of this node's own.
	 *
	 * Processes that ask at once get the same number. *Throws:* `ERR_USAGE` for no labels or too many,
	 * `ERR_DATAPATH` when all numbers are taken.
	 */
	allocate(labels: readonly string[]): Identity {
		return this.find(labels) ?? lockedSync(this.root, 'identities', () => this.add(labels));
	}

	private add(labels: readonly string[]): Identity {
		const known = this.find(labels);
		if (known !== undefined) return known;
		const text = canonical(labels);
		const value = Buffer.alloc(labelBytes);
		if (Buffer.byteLength(text) >= labelBytes || text === '') {
			throw new UsageError(
				`allocate identity: labels are one to ${labelBytes - 1} bytes of text, got ${Buffer.byteLength(text)}`,
			);
		}

		// They stand line by line, and a NUL ends them.
		const wrong = labels.find(label => /[\0\n]/.test(label));
		if (wrong !== undefined) {
			throw new UsageError(
				`allocate identity: a label is one line of text, got ${JSON.stringify(wrong)}`,
			);
		}

		value.write(text);
		const isLocal = labels.some(label => label.startsWith('cidr:'));
		const [first, last] = isLocal ? [firstLocal, lastLocal] : [firstOfCluster, lastOfCluster];
		const taken = new Set([...this.map.keys()].map(numberOf));
		for (let id = first; id <= last; id++) {
			if (taken.has(id)) continue;
			this.map.set(keyOf(id), value, {mode: 'noexist'});
			this.numbers.set(text, id);
			return identityOf(id, text.split('\n'));
		}

		throw new DatapathError('allocate identity', labels.join(','), 'all numbers are taken');
	}

	/** Gives a number back; whether it was given out. Nothing that uses it is changed. */
	release(id: number): boolean {
		for (const [text, number] of this.numbers) if (number === id) this.numbers.delete(text);
		return isNumber(id) && this.map.delete(keyOf(id));
	}

	/** Closes the map; identities stay. */
	close(): void {
		this.map.close();
	}

	/** The same as `close()`: for `using`. */
	[Symbol.dispose](): void {
		this.close();
	}
}

/** Identities under a root: the reserved ones alone where none was allocated yet. */
export function listIdentities(root: string): Identity[] {
	if (!existsSync(join(root, pinName))) return reserved();
	using identities = Identities.open(root);
	return identities.list();
}

/** Of processes that race, one makes the map and all use it. */
function createPinned(path: string): void {
	using map = createMap(
		{
			type: 'hash',
			name: pinName,
			keySize: 4,
			valueSize: labelBytes,
			maxEntries: 65_536,
			flags: noPrealloc,
		},
		{raw: true},
	);
	try {
		map.pin(path);
	} catch (error) {
		if (!(error instanceof PinError) || error.errno !== constants.errno.EEXIST) throw error;
	}
}

function reserved(): Identity[] {
	return Object.entries(reservedIdentities).map(([name, id]) =>
		identityOf(id, [`reserved:${name}`]),
	);
}

function identityOf(id: number, labels: readonly string[]): Identity {
	const scope = id < firstOfCluster ? 'reserved' : id >= firstLocal ? 'local' : 'cluster';
	return {id, labels, scope};
}

const canonical = (labels: readonly string[]): string => [...new Set(labels)].toSorted().join('\n');

const isNumber = (id: number): boolean => Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff;

function keyOf(id: number): Uint8Array {
	const bytes = Buffer.alloc(4);
	new Uint32Array(bytes.buffer, bytes.byteOffset, 1)[0] = id;
	return bytes;
}

const numberOf = (key: Uint8Array): number =>
	new DataView(key.buffer, key.byteOffset, 4).getUint32(0, hostLittleEndian);

function labelsOf(value: Uint8Array): string[] {
	const end = value.indexOf(0);
	return Buffer.from(value.subarray(0, end < 0 ? undefined : end))
		.toString()
		.split('\n');
}
