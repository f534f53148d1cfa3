/** Says what of a run is not as expected, for people to read. */

import {inspect} from 'node:util';

import {nearest} from '../../base/suggest.js';
import type {PacketContext} from './context.js';
import {isLike} from './is-like.js';
import {sumCpus, type MapEffect} from './map-snapshot.js';
import type {MapWatch} from './map-watch.js';
import type {Packet} from '../packet/packet.js';
import {packetDifference, packetOf, type PacketLike} from './packet-like.js';
import type {PacketRun} from './run-packet.js';

/** What is to become of one element of a map. */
export interface ExpectedEffect {
	/** As the map's codec reads it; in a data section, the name of the variable. */
	readonly key: unknown;
	/** What was there; undefined, where it is given, for a key that was not. */
	readonly before?: unknown;
	/**
	 * What is there; undefined, where it is given, for a key that is deleted. Of objects only the
	 * fields that are given count, a function says whether it likes what it is called with, and
	 * anything but an array is compared with the sum over all CPUs where the map is per CPU.
	 */
	readonly after?: unknown;
}

/** What is expected of a run; what is not given is not looked at. */
export interface ExpectedRun {
	/** By name, or as the program returns it. */
	readonly verdict?: string | number;
	/** The packet that comes out; a function says whether it likes it. */
	readonly out?: PacketLike | 'unchanged' | ((out: Packet) => boolean);
	/** By map, exactly the elements that change; `[]` for none. */
	readonly maps?: Readonly<Record<string, readonly ExpectedEffect[]>>;
	/** Fields of the context that comes out. */
	readonly contextOut?: PacketContext;
	/** What stands before the packet that comes out. */
	readonly metadataOut?: Uint8Array;
}

/** Each entry is one thing that is wrong, of one line or several. */
export function checkRun(expected: ExpectedRun, run: PacketRun, watch: MapWatch): string[] {
	return [
		...checkVerdict(expected.verdict, run),
		...checkOut(expected.out, run),
		...checkFields('context', expected.contextOut, run.context),
		...checkFields('metadata', expected.metadataOut, run.metadata),
		...Object.entries(expected.maps ?? {}).flatMap(([name, effects]) =>
			checkMap(name, effects, run, watch),
		),
	];
}

function checkVerdict(expected: string | number | undefined, run: PacketRun): string[] {
	if (expected === undefined) return [];
	const {verdict, returnValue} = run;
	const isWanted =
		typeof expected === 'number' ? expected >>> 0 === returnValue >>> 0 : expected === verdict;
	if (isWanted) return [];
	const got = verdict === undefined ? String(returnValue) : `${verdict} (${returnValue | 0})`;
	return [`verdict: expected ${expected}, got ${got}`];
}

function checkOut(expected: ExpectedRun['out'], run: PacketRun): string[] {
	if (expected === undefined) return [];
	if (typeof expected === 'function') {
		return expected(run.out) ? [] : ['packet out: not what the function wants'];
	}

	const wanted = expected === 'unchanged' ? run.packet : packetOf(expected);
	const difference = packetDifference(wanted, run.out);
	return difference === undefined ? [] : [`packet out: expected (-), got (+)\n${difference}`];
}

function checkFields(what: string, expected: unknown, actual: unknown): string[] {
	if (expected === undefined || isLike(expected, actual)) return [];
	return [`${what} out: expected ${show(expected)}, got ${show(actual)}`];
}

function checkMap(
	name: string,
	expected: readonly ExpectedEffect[],
	run: PacketRun,
	watch: MapWatch,
): string[] {
	const map = watch.map(name);
	if (map === undefined) {
		const {reason} = watch.unwatched.find(one => one.map === name) ?? {};
		const close = nearest(name, watch.names) ?? watch.names.join(', ');
		return [`map "${name}": not watched: ${reason ?? `there is ${close || 'none'}`}`];
	}

	const left = run.effects.filter(effect => effect.map === name);
	const wrong: string[] = [];
	for (const wanted of expected) {
		const at = left.findIndex(effect => isLike(wanted.key, effect.key));
		const [effect] = at < 0 ? [] : left.splice(at, 1);
		if (effect === undefined) {
			wrong.push(`map "${name}": expected ${show(wanted.key)} to change, it did not`);
			continue;
		}

		for (const when of ['before', 'after'] as const) {
			if (!(when in wanted)) continue;
			const value = Array.isArray(wanted[when]) ? effect[when] : sumCpus(map, effect[when]);
			if (isLike(wanted[when], value)) continue;
			const verb = when === 'before' ? 'have been' : 'become';
			wrong.push(
				`map "${name}": expected ${show(wanted.key)} to ${verb} ${show(wanted[when])}, got ${show(value)}`,
			);
		}
	}

	return [...wrong, ...left.map(effect => `map "${name}": unexpected: ${showEffect(effect)}`)];
}

/** `added { a: 1 }: { b: 2n }` */
export function showEffect({kind, key, before, after}: MapEffect): string {
	if (kind === 'added') return `added ${show(key)}: ${show(after)}`;
	if (kind === 'deleted') return `deleted ${show(key)}: ${show(before)}`;
	return `changed ${show(key)}: ${show(before)} -> ${show(after)}`;
}

function show(value: unknown): string {
	if (value === undefined) return 'nothing';
	if (typeof value === 'function') return 'what the function wants';
	return inspect(value, {depth: 8, breakLength: Infinity, compact: true, maxArrayLength: 16});
}
