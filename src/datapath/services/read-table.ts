/** Maglev's tables as they stand in the maps. */

import type {DatapathMaps} from '../maps.js';
import type {MaglevTable} from './maglev.js';
import type {Service} from './service.js';
import {openInner} from './tables.js';
import {encodeKey} from './writes.js';

/** The table of a service; undefined where it has none. */
export function readMaglevTable(maps: DatapathMaps, service: Service): MaglevTable | undefined {
	const {id, frontend, backends} = service;
	const name = frontend.address.includes(':') ? 'maglev6' : 'maglev4';
	if (maps[name] === undefined) return undefined;
	const outer = maps.require(name);
	using inner = openInner(outer, encodeKey(outer, id));
	const bytes = inner?.raw.get(new Uint8Array(inner.info.keySize));
	if (bytes === undefined) return undefined;
	return {
		ids: new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
		backends: backends
			.filter(({quarantined}) => !quarantined)
			.map(({id: backend, address, port, protocol, weight}) => ({
				...{id: backend, address, port, protocol, weight},
			})),
	};
}
