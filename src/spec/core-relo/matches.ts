/** Whether a type of the target has all that the object's own type declares. */

import type {Btf} from '../../format/btf/btf.js';
import type {BtfComposite, BtfEnum, BtfEnum64, BtfType} from '../../format/btf/types.js';
import {essentialName} from './flavour.js';
import {isComposite, isEnum} from './types.js';

/**
 * Names agree, and so do the size and sign of numbers, the lengths of arrays and the parameters of
 * functions. A struct, union or enum of the target has at least the members of the local one;
 * behind a pointer only name and kind count, and there a mere declaration will do.
 *
 * *Throws:* `ERR_BTF`.
 */
export function doTypesMatch(local: Btf, localId: number, target: Btf, targetId: number): boolean {
	return new Matcher(local, target).match(localId, targetId, false);
}

class Matcher {
	readonly #local: Btf;
	readonly #target: Btf;
	/** Pairs that were compared; one that is being compared matches so far, should it lead back. */
	readonly #known = new Map<string, boolean>();

	constructor(local: Btf, target: Btf) {
		this.#local = local;
		this.#target = target;
	}

	match(localId: number, targetId: number, behindPointer: boolean): boolean {
		const mine = this.#local.resolve(localId);
		const theirs = this.#target.resolve(targetId);
		if (essentialName(mine.name) !== essentialName(theirs.name)) return false;
		const pair = `${mine.id}:${theirs.id}:${behindPointer}`;
		const known = this.#known.get(pair);
		if (known !== undefined) return known;
		this.#known.set(pair, true);
		const result = this.#compare(mine, theirs, behindPointer);
		this.#known.set(pair, result);
		return result;
	}

	#compare(mine: BtfType, theirs: BtfType, behindPointer: boolean): boolean {
		if (behindPointer && (isAggregate(mine) || isAggregate(theirs))) {
			const isDeclared = mine.kind === 'fwd' || theirs.kind === 'fwd';
			return isDeclared
				? aggregateKind(mine) === aggregateKind(theirs)
				: mine.kind === theirs.kind;
		}

		if (isEnumType(mine) && isEnumType(theirs)) return areEnumsMatching(mine, theirs);
		if (mine.kind === 'struct' || mine.kind === 'union') {
			return theirs.kind === mine.kind && this.#matchMembers(mine, theirs);
		}

		switch (mine.kind) {
			case 'void':
				return theirs.kind === 'void';
			case 'int':
				return (
					theirs.kind === 'int' &&
					mine.size === theirs.size &&
					mine.signed === theirs.signed
				);
			case 'float':
				return theirs.kind === 'float' && mine.size === theirs.size;
			case 'fwd':
				return theirs.kind === 'fwd' && mine.forwardKind === theirs.forwardKind;
			case 'ptr':
				return theirs.kind === 'ptr' && this.match(mine.typeId, theirs.typeId, true);
			case 'array':
				return (
					theirs.kind === 'array' &&
					mine.length === theirs.length &&
					this.match(mine.elementTypeId, theirs.elementTypeId, behindPointer)
				);
			case 'func_proto':
				return (
					theirs.kind === 'func_proto' &&
					mine.parameters.length === theirs.parameters.length &&
					mine.parameters.every((each, index) =>
						this.match(each.typeId, theirs.parameters[index]?.typeId ?? 0, false),
					) &&
					this.match(mine.returnTypeId, theirs.returnTypeId, false)
				);
			default:
				return false;
		}
	}

	/** Members are not behind the pointer any more that their struct may have been behind. */
	#matchMembers(mine: BtfComposite, theirs: BtfComposite): boolean {
		if (mine.members.length > theirs.members.length) return false;
		const byName = new Map<string, number[]>();
		for (const {name, typeId} of theirs.members) {
			const key = essentialName(name);
			const known = byName.get(key);
			if (known === undefined) byName.set(key, [typeId]);
			else known.push(typeId);
		}

		return mine.members.every(({name, typeId}) =>
			byName.get(essentialName(name))?.some(target => this.match(typeId, target, false)),
		);
	}
}

function isEnumType(type: BtfType): type is BtfEnum | BtfEnum64 {
	return isEnum(type.kind);
}

function areEnumsMatching(mine: BtfEnum | BtfEnum64, theirs: BtfEnum | BtfEnum64): boolean {
	if (mine.size !== theirs.size) return false;
	const names = new Set(theirs.values.map(({name}) => essentialName(name)));
	return mine.values.every(({name}) => names.has(essentialName(name)));
}

function isAggregate({kind}: BtfType): boolean {
	return isComposite(kind) || kind === 'fwd';
}

function aggregateKind(type: BtfType): string {
	return type.kind === 'fwd' ? type.forwardKind : type.kind;
}
