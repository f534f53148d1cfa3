/** Brings decoded values from one layout into another, field by field name. */

import {UsageError} from '../../base/errors.js';
import {CodecError} from '../../format/codec/codec-error.js';
import type {Layout, LayoutField, Shape, StructLayout} from '../../format/codec/layout.js';

/** What becomes of the fields; paths as in errors: `value.packets`. */
export interface FieldChanges {
	/** Zero, or the given default. */
	readonly added: string[];
	/** Not copied: there is no such field any more. */
	readonly removed: string[];
	/** Copied into another type, place or length. */
	readonly changed: string[];
	/** What cannot be copied, and why. */
	readonly refused: {readonly path: string; readonly detail: string}[];
}

/** Makes a value of the new layout from one of the old. *Throws:* `ERR_CODEC`. */
export type Fit = (value: unknown) => unknown;

/** Values for fields that the old layout has not, in the shape of the new one. */
export type Defaults = Readonly<Record<string, unknown>>;

/** `zero` is a value of `to` whose bytes are all zero. */
export function fitLayout(
	from: Layout,
	to: Layout,
	path: string,
	zero: unknown,
	defaults: unknown,
	changes: FieldChanges,
): Fit {
	if (from.kind === 'struct' && to.kind === 'struct') {
		return fitStruct(from, to, path, zero as Record<string, unknown>, defaults, changes);
	}

	if (defaults !== undefined) {
		throw new UsageError(`choose default of "${path}": the field is not new`);
	}

	if (from.kind === 'array' && to.kind === 'array') {
		return fitArray(from, to, path, zero as unknown[], changes);
	}

	const fit = fitScalar(from, to, path);
	if (fit === undefined) {
		changes.refused.push({path, detail: `${kindName(from)} cannot become ${kindName(to)}`});
		return () => zero;
	}

	if (!isSameScalar(from, to)) changes.changed.push(path);
	return fit;
}

function fitStruct(
	from: StructLayout,
	to: StructLayout,
	path: string,
	zero: Record<string, unknown>,
	defaults: unknown,
	changes: FieldChanges,
): Fit {
	const given = (defaults ?? {}) as Defaults;
	const names = new Set(to.fields.map(field => field.name));
	for (const name of Object.keys(given)) {
		if (!names.has(name)) {
			throw new UsageError(`choose default of "${path}.${name}": there is no such field`);
		}
	}

	for (const {name} of from.fields) {
		if (!names.has(name)) changes.removed.push(`${path}.${name}`);
	}

	const optional = unionFields(to.shape);
	const steps: {readonly name: string; readonly fit: Fit; readonly source: boolean}[] = [];
	for (const [index, {name, layout}] of to.fields.entries()) {
		const at = `${path}.${name}`;
		const source = from.fields.find(field => field.name === name);
		const chosen = Object.hasOwn(given, name) ? given[name] : undefined;
		if (source !== undefined) {
			const fit = fitLayout(source.layout, layout, at, zero[name], chosen, changes);
			const isKnown = changes.changed.includes(at);
			if (!isKnown && isMoved(source, to.fields[index])) changes.changed.push(at);
			steps.push({name, fit, source: true});
			continue;
		}

		changes.added.push(at);
		// A new member of a union has the bytes of the others.
		if (optional.has(index) && chosen === undefined) continue;
		steps.push({name, fit: () => structuredClone(chosen ?? zero[name]), source: false});
	}

	return value => {
		const old = value as Record<string, unknown>;
		const made = Object.create(null) as Record<string, unknown>;
		for (const {name, fit, source} of steps) made[name] = fit(source ? old[name] : undefined);
		return made;
	};
}

function isMoved(from: LayoutField, to: LayoutField | undefined): boolean {
	return from.layout.kind !== 'bits' && from.offset !== to?.offset;
}

/** Positions of fields that share their bytes with others. */
function unionFields(shape: Shape, inside = false): Set<number> {
	const found = new Set<number>();
	const isInside = inside || shape.kind === 'any';
	for (const part of shape.parts) {
		if (typeof part !== 'number') {
			for (const each of unionFields(part, isInside)) found.add(each);
		} else if (isInside) {
			found.add(part);
		}
	}

	return found;
}

function fitArray(
	from: Layout & {kind: 'array'},
	to: Layout & {kind: 'array'},
	path: string,
	zero: unknown[],
	changes: FieldChanges,
): Fit {
	if (from.length !== to.length) changes.changed.push(path);
	const fit = fitLayout(from.element, to.element, `${path}[]`, zero[0], undefined, changes);
	return value => {
		const old = value as unknown[];
		for (let i = to.length; i < old.length; i++) {
			if (isZero(old[i])) continue;
			throw new CodecError('write', `${path}[${i}]`, `there is room for ${to.length} only`);
		}

		return Array.from({length: to.length}, (_, i) =>
			i < old.length ? fit(old[i]) : structuredClone(zero[i]),
		);
	};
}

/** True of numbers and whatever consists of them; a name never is. */
function isZero(value: unknown): boolean {
	if (typeof value === 'object' && value !== null) return Object.values(value).every(isZero);
	return value === 0 || value === 0n || value === false;
}

function fitScalar(from: Layout, to: Layout, path: string): Fit | undefined {
	if (from.kind === 'field' || to.kind === 'field') {
		return from.kind === to.kind && from.size === to.size ? value => value : undefined;
	}

	if (from.kind === 'float' && to.kind === 'float') {
		if (to.size >= from.size) return value => value;
		return value => {
			if (Object.is(Math.fround(value as number), value)) return value;
			throw new CodecError('write', path, `a float cannot hold ${String(value)}`);
		};
	}

	const number = numberOf(from);
	if (number === undefined || numberOf(to) === undefined) return undefined;
	// By name, whatever its number is here and there.
	if (namesOf(from) !== undefined && namesOf(to) !== undefined) return value => value;
	if (!isBool(to)) return number;
	return value => {
		const given = number(value);
		if (BigInt(given) === 0n || BigInt(given) === 1n) return BigInt(given) === 1n;
		throw new CodecError('write', path, `expected 0 or 1 for a bool, got ${String(given)}`);
	};
}

/** What reads a decoded value as a number; undefined for what is none. */
function numberOf(layout: Layout): ((value: unknown) => number | bigint) | undefined {
	if (layout.kind !== 'int' && layout.kind !== 'bits' && layout.kind !== 'enum') return undefined;
	const numbers = namesOf(layout);
	return value => {
		if (typeof value === 'boolean') return Number(value);
		if (typeof value === 'string') return numbers?.get(value) ?? 0;
		return value as number | bigint;
	};
}

function namesOf(layout: Layout): ReadonlyMap<string, number | bigint> | undefined {
	if (layout.kind === 'enum') return layout.numbers;
	return layout.kind === 'bits' ? layout.names?.numbers : undefined;
}

function isBool(layout: Layout): boolean {
	return (layout.kind === 'int' || layout.kind === 'bits') && layout.bool;
}

function isSameScalar(from: Layout, to: Layout): boolean {
	if (from.kind !== to.kind || from.size !== to.size) return false;
	if (from.kind === 'int' && to.kind === 'int') {
		return from.signed === to.signed && from.bool === to.bool;
	}

	if (from.kind === 'bits' && to.kind === 'bits') {
		return from.bit === to.bit && from.bits === to.bits && from.signed === to.signed;
	}

	return true;
}

function kindName(layout: Layout): string {
	switch (layout.kind) {
		case 'int':
		case 'bits':
			return layout.bool ? 'a bool' : 'an integer';
		case 'enum':
			return 'an enum';
		case 'array':
			return 'an array';
		case 'struct':
			return 'a struct';
		case 'float':
			return 'a float';
		case 'field':
			return `${layout.size} bytes`;
	}
}
