import type {Btf} from './btf.js';
import type {BtfType} from './types.js';

const maxDepth = 32;

/**
 * A type as C writes it, on one line: `struct flow_key`, `__u32[4]`, `const char *`; with a name,
 * the declaration of something of that type: `__u32 words[4]`.
 */
export function describeType(btf: Btf, id: number, name = ''): string {
	return declare(btf, id, name, 0);
}

/** The type around what is declared, as C reads: from the inside to the outside. */
function declare(btf: Btf, id: number, inner: string, depth: number): string {
	if (depth > maxDepth) return '…';
	const type = btf.type(id);
	const spaced = inner === '' || inner.startsWith('[') ? inner : ` ${inner}`;
	switch (type.kind) {
		case 'ptr': {
			const target = btf.type(type.typeId).kind;
			const pointer = target === 'array' || target === 'func_proto' ? `(*${inner})` : `*${inner}`;
			return declare(btf, type.typeId, pointer, depth + 1);
		}

		case 'array':
			return declare(btf, type.elementTypeId, `${inner}[${type.length}]`, depth + 1);
		case 'const':
		case 'volatile':
		case 'restrict':
			if (btf.type(type.typeId).kind === 'ptr') {
				return declare(btf, type.typeId, ` ${type.kind}${spaced}`, depth + 1);
			}

			return `${type.kind} ${declare(btf, type.typeId, inner, depth + 1)}`;
		case 'type_tag':
			return declare(btf, type.typeId, inner, depth + 1);
		case 'func_proto': {
			const parameters = type.parameters.map(parameter =>
				parameter.typeId === 0 ? '...' : declare(btf, parameter.typeId, parameter.name, depth + 1),
			);
			const list = parameters.length === 0 ? 'void' : parameters.join(', ');
			return declare(btf, type.returnTypeId, `${inner}(${list})`, depth + 1);
		}

		case 'func':
		case 'var':
			return declare(btf, type.typeId, type.name, depth + 1);
		default:
			return nameOf(type) + spaced;
	}
}

function nameOf(type: BtfType): string {
	const name = type.name === '' ? '{…}' : type.name;
	switch (type.kind) {
		case 'struct':
		case 'union':
			return `${type.kind} ${name}`;
		case 'enum':
		case 'enum64':
			return `enum ${name}`;
		case 'fwd':
			return `${type.forwardKind} ${name}`;
		default:
			return name;
	}
}
