import test from 'ava';

import {bytesCodec, type Codec} from '../../../src/format/codec/codec.js';
import {chooseCodecs} from '../../../src/object/map/map-codecs.js';
import type {MapInfo} from '../../../src/object/map/map-info.js';

const info: MapInfo = {
	...{id: 1, type: 'percpu_hash', name: 'counts', keySize: 4, valueSize: 12, maxEntries: 1},
	...{flags: 0, extra: 0n, ifindex: 0, btfId: 0, keyTypeId: 0, valueTypeId: 0},
};

test('codecs that are given read keys and each value of a CPU', t => {
	const keyCodec: Codec = bytesCodec(4);
	const valueCodec: Codec = bytesCodec(12);
	const chosen = chooseCodecs(info, undefined, {keyCodec, valueCodec});
	t.is(chosen.key, keyCodec);
	t.is(chosen.element, valueCodec);
	t.is(chosen.value.size % 16, 0);
});

test('a codec of another size is refused', t => {
	for (const options of [{keyCodec: bytesCodec(5)}, {valueCodec: bytesCodec(16)}]) {
		t.throws(() => chooseCodecs(info, undefined, options as never), {
			code: 'ERR_USAGE',
			message: /the map has \d+/,
		});
	}
});
