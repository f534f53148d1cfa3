import type {Btf} from './btf.js';
import type {BtfType} from './types.js';

/**
 * The types of `btf` itself, not of its base, whose names fit: all of a name that is no pattern,
 * else those that `*` (any characters) and `?` (one) make it.
 */
export function* searchTypes(btf: Btf, pattern: string): Generator<BtfType> {
	if (!/[*?]/.test(pattern)) {
		for (const id of btf.findAll(pattern)) if (id >= btf.firstId) yield btf.type(id);
		return;
	}

	const parts = pattern.split(/([*?])/).map(part => {
		if (part === '*') return '.*';
		return part === '?' ? '.' : part.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&');
	});
	const fits = new RegExp(`^${parts.join('').replaceAll(/(?:\.\*)+/g, '.*')}$`, 's');
	for (let id = btf.firstId; id < btf.typeCount; id++) {
		const type = btf.type(id);
		if (type.name !== '' && fits.test(type.name)) yield type;
	}
}
