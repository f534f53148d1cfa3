import type {Btf} from './btf.js';
import {printable} from './printable.js';
import type {BtfType} from './types.js';

// More than this nobody reads on one line; a hostile type has no end at all.
const maxParts = 64;

/**
 * A type as C writes it, on one line: `struct flow_key`, `__u32[4]`, `const char *`; with a name,
 * the declaration of something of that type: `__u32 words[4]`.
 */
export function describeType(btf: Btf, id: number, name = ''): string {
	let parts = 0;
	return declare(id, printable(name));

	/** The type around what is declared, as C reads: from the inside to the outside. */
	function declare(typeId: number, inner: string): string {
		if (++parts > maxParts) return '…';
		const type = btf.type(typeId);
		const spaced = inner === '' || inner.startsWith('[') ? inner : ` ${inner}`;
		switch (type.kind) {
			case 'ptr': {
				const target = btf.type(type.typeId).kind;
				const isOutside = target === 'array' || target === 'func_proto';
				return declare(type.typeId, isOutside ? `(*${inner})` : `*${inner}`);
			}

			case 'array':
				return declare(type.elementTypeId, `${inner}[${type.length}]`);
			case 'const':
			case 'volatile':
			case 'restrict':
				if (btf.type(type.typeId).kind === 'ptr') {
					return declare(type.typeId, ` ${type.kind}${spaced}`);
				}

				return `${type.kind} ${declare(type.typeId, inner)}`;
			case 'type_tag':
				return declare(type.typeId, inner);
			case 'func_proto': {
				const shown = type.parameters
					.slice(0, maxParts)
					.map(({typeId: parameter, name}) => {
						return parameter === 0 ? '...' : declare(parameter, printable(name));
					});
				const list = shown.length === 0 ? 'void' : shown.join(', ');
				return declare(type.returnTypeId, `${inner}(${list})`);
			}

			case 'func':
			case 'var':
				return declare(type.typeId, printable(type.name));
			default:
				return nameOf(type) + spaced;
		}
	}
}

function nameOf(type: BtfType): string {
	const name = type.name === '' ? '{…}' : printable(type.name);
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
