import type {Btf} from '../../../../src/format/btf/btf.js';
import type {BtfComposite} from '../../../../src/format/btf/types.js';

/** Where each scalar of a struct lies: `tuple.port 96 16`, in bits; padding by compilers aside. */
export function placesOf(btf: Btf, type: BtfComposite): string[] {
	const places: string[] = [];
	const visit = (id: number, path: string, start: number, width: number): void => {
		const inner = btf.resolve(id);
		if (inner.kind === 'struct' || inner.kind === 'union') {
			for (const {name, typeId, bitOffset, bitfieldSize} of inner.members) {
				if (name.startsWith('__padding')) continue;
				const deeper = name === '' ? path : `${path}.${name}`;
				visit(typeId, deeper, start + bitOffset, bitfieldSize);
			}

			places.push(`${path} ${start} ${inner.size * 8} ${inner.kind}`);
			return;
		}

		const bits = width > 0 ? width : sizeOf(btf, id) * 8;
		places.push(`${path} ${start} ${bits} ${inner.kind === 'enum64' ? 'enum' : inner.kind}`);
	};
	visit(type.id, type.name, 0, 0);
	return places;
}

function sizeOf(btf: Btf, id: number): number {
	const {kind} = btf.resolve(id);
	return kind === 'func_proto' || kind === 'fwd' || kind === 'void' ? 0 : btf.sizeOf(id);
}

/** Whole structs and unions by their tags; of tags that mean several types, none. */
export function compositesOf(btf: Btf): Map<string, BtfComposite> {
	const found = new Map<string, BtfComposite | undefined>();
	for (let id = btf.firstId; id < btf.typeCount; id++) {
		const kind = btf.kindOf(id);
		if (kind !== 'struct' && kind !== 'union') continue;
		const type = btf.type(id) as BtfComposite;
		if (type.name === '') continue;
		found.set(type.name, found.has(type.name) ? undefined : type);
	}

	return new Map([...found].filter((each): each is [string, BtfComposite] => !!each[1]));
}
