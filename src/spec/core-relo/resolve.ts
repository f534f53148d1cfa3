/** Answers relocations from the candidates for their types. */

import type {Btf} from '../../format/btf/btf.js';
import {describeType} from '../../format/btf/describe.js';
import type {RelocationCandidate} from '../../format/log/failed-relocation.js';
import type {Access} from './access.js';
import type {Candidate} from './candidates.js';
import {areTypesCompatible} from './compatible.js';
import {findField} from './find-field.js';
import {essentialName} from './flavour.js';
import {subjectOf} from './kinds.js';
import {doTypesMatch} from './matches.js';
import {isEnum} from './types.js';
import {type Place, type Value, valueOf} from './value.js';

export type Answer =
	| {readonly kind: 'value'; readonly value: Value; readonly matching: readonly Candidate[]}
	/** Nothing answers it. */
	| {readonly kind: 'none'; readonly refused: readonly RelocationCandidate[]}
	/** Candidates answer it, and not all alike. */
	| {readonly kind: 'ambiguous'; readonly answers: readonly RelocationCandidate[]};

interface Match {
	readonly candidate: Candidate;
	readonly place: Place;
	readonly value: Value;
}

/** *Throws:* `ERR_BTF` for types of the target that are damaged. */
export function resolveAccess(
	local: Btf,
	access: Access,
	candidates: readonly Candidate[],
): Answer {
	const matches: Match[] = [];
	const refused: RelocationCandidate[] = [];
	for (const candidate of candidates) {
		const place = findPlace(local, access, candidate);
		const value = typeof place === 'string' ? place : valueOf(access.kind, place);
		if (typeof place === 'string' || typeof value === 'string') {
			const reason = typeof value === 'string' ? value : '';
			refused.push({...describeCandidate(candidate), reason});
		} else {
			matches.push({candidate, place, value});
		}
	}

	const [first] = matches;
	if (first === undefined) {
		const value = valueOfNothing(access);
		return value === undefined ? {kind: 'none', refused} : {kind: 'value', value, matching: []};
	}

	if (matches.some(each => !areAlike(first, each))) {
		const answers = matches.map(({candidate, value, place}) => {
			const where = place.path === undefined ? '' : ` at bit ${place.path.bitOffset}`;
			return {...describeCandidate(candidate), reason: `gives ${value.value}${where}`};
		});
		return {kind: 'ambiguous', answers};
	}

	return {kind: 'value', value: first.value, matching: matches.map(each => each.candidate)};
}

/** Two fields have to be at the same place, too, should only their sizes have been asked for. */
function areAlike(first: Match, other: Match): boolean {
	return (
		first.value.value === other.value.value &&
		first.place.path?.bitOffset === other.place.path?.bitOffset &&
		first.value.moved?.size === other.value.moved?.size
	);
}

/** That something does not exist is an answer to whether it does, and how large or what number it is. */
function valueOfNothing({kind}: Access): Value | undefined {
	const isAnswer =
		subjectOf(kind) === 'type' || kind === 'field_exists' || kind === 'enumval_exists';
	return isAnswer ? {value: 0n, isCertain: true} : undefined;
}

export function describeCandidate({
	types,
	typeId,
	of,
}: Candidate): Omit<RelocationCandidate, 'reason'> {
	return {type: describeType(types, typeId), typeId, of};
}

/** What answers the access in one candidate, or why nothing does. */
function findPlace(local: Btf, access: Access, {types, typeId}: Candidate): Place | string {
	const {kind, path, enumerator} = access;
	if (path !== undefined) {
		const found = findField(local, path, types, typeId);
		return typeof found === 'string' ? found : {types, typeId, path: found};
	}

	if (enumerator !== undefined) {
		const type = types.resolve(typeId);
		const essential = essentialName(enumerator.name);
		const values = isEnum(type.kind) && 'values' in type ? type.values : [];
		const found = values.find(({name}) => essentialName(name) === essential);
		if (found === undefined) return `no enumerator "${essential}"`;
		return {types, typeId, enumerator: {name: found.name, value: BigInt(found.value)}};
	}

	const fits =
		kind === 'type_matches'
			? doTypesMatch(local, access.typeId, types, typeId)
			: areTypesCompatible(local, access.typeId, types, typeId);
	return fits ? {types, typeId} : 'it is of another kind';
}
