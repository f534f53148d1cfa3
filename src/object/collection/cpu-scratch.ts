import {alignUp} from '../../base/bytes.js';
import type {CollectionSpec} from '../../spec/types.js';

const section = '.data.aux';
const cacheLine = 64;

/**
 * `spec` with the scratch of one CPU in `.data.aux` made one for each of `cpus`, a cache line apart
 * at least, and the constants by which programs find their own: `_aux_stride`, the bytes from one
 * CPU's to the next, and `_aux_max_off`, the last one's offset. An object that has a section of
 * this name without those constants keeps it as it is.
 */
export function withCpuScratch(spec: CollectionSpec, cpus: () => number): CollectionSpec {
	const map = spec.maps[section];
	const {_aux_stride: stride, _aux_max_off: last} = spec.variables;
	if (map?.contents === undefined || stride === undefined || last === undefined) return spec;
	const count = cpus();
	const step = alignUp(map.contents.length, cacheLine);
	const contents = new Uint8Array(step * count);
	for (let cpu = 0; cpu < count; cpu++) contents.set(map.contents, cpu * step);

	const maps = {...spec.maps};
	// No type says how large it is now.
	maps[section] = {...map, contents, valueSize: contents.length, valueTypeId: 0};
	for (const [variable, value] of [
		[stride, step],
		[last, step * (count - 1)],
	] as const) {
		const constants = maps[variable.map];
		if (constants?.contents === undefined) continue;
		const bytes = constants.contents.slice();
		variable.in(bytes).set(variable.size === 8 ? BigInt(value) : value);
		maps[variable.map] = {...constants, contents: bytes};
	}

	return {...spec, maps};
}
