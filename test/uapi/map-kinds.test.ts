import test from 'ava';
import {holdsFds, isIndexed, isKeyless, isPerCpu} from '../../src/uapi/map-kinds.js';
import type {MapType} from '../../src/uapi/map-types.js';

const kinds = test.macro({
	exec(t, type: MapType, expected: string) {
		const found = Object.entries({isPerCpu, isIndexed, isKeyless, holdsFds})
			.filter(([, is]) => is(type))
			.map(([name]) => name);
		t.is(found.join(' '), expected);
	},
	title: (_, type, expected) =>
		`${type}: ${expected === '' ? 'plain keys and values' : expected}`,
});

test(kinds, 'hash', '');
test(kinds, 'array', 'isIndexed');
test(kinds, 'percpu_array', 'isPerCpu isIndexed');
test(kinds, 'lru_percpu_hash', 'isPerCpu');
test(kinds, 'prog_array', 'isIndexed holdsFds');
test(kinds, 'hash_of_maps', 'holdsFds');
test(kinds, 'queue', 'isKeyless');
