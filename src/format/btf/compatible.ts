import type {Btf} from './btf.js';

const maxDepth = 32;

/**
 * May `local` be a declaration of `target`? Kinds have to agree, through pointers and arrays and
 * for each parameter; names and sizes need not: that is for the verifier to say.
 *
 * *Throws:* `ERR_BTF`.
 */
export function areCompatible(
	localTypes: Btf,
	local: number,
	targetTypes: Btf,
	target: number,
): boolean {
	const compare = (localId: number, targetId: number, depth: number): boolean => {
		const mine = localTypes.resolve(localId);
		const theirs = targetTypes.resolve(targetId);
		// Deeper than any declaration: one that goes around in circles agrees so far.
		if (depth > maxDepth) return true;
		if (mine.kind === 'ptr' && theirs.kind === 'ptr') {
			return compare(mine.typeId, theirs.typeId, depth + 1);
		}

		if (mine.kind === 'array' && theirs.kind === 'array') {
			return compare(mine.elementTypeId, theirs.elementTypeId, depth + 1);
		}

		if (mine.kind === 'func' && theirs.kind === 'func') {
			return compare(mine.typeId, theirs.typeId, depth + 1);
		}

		if (mine.kind === 'func_proto' && theirs.kind === 'func_proto') {
			return (
				mine.parameters.length === theirs.parameters.length &&
				compare(mine.returnTypeId, theirs.returnTypeId, depth + 1) &&
				mine.parameters.every((parameter, index) =>
					compare(parameter.typeId, theirs.parameters[index]?.typeId ?? 0, depth + 1),
				)
			);
		}

		return plainKind(mine.kind) === plainKind(theirs.kind);
	};
	return compare(local, target, 0);
}

/** A struct that is only declared is one of unknown members, and an enum may be of any width. */
function plainKind(kind: string): string {
	if (kind === 'fwd' || kind === 'union') return 'struct';
	return kind === 'enum64' ? 'enum' : kind;
}
