import fc from 'fast-check';
import test from 'ava';

import {formatPrefix} from '../../../src/base/address.js';
import {viewOf} from '../../../src/base/bytes.js';
import {PrefilterKeys, prefixText, sortPrefixes} from '../../../src/datapath/prefilter/lists.js';

const textsOf = ({list, bytes, count}: PrefilterKeys): string[] =>
	Array.from({length: count}, (_, i) => prefixText(list, viewOf(bytes), i));

test('whole addresses and prefixes of each family go to lists of their own', async t => {
	const sorted = await sortPrefixes([
		...['10.0.0.1', '10.1.2.3/8', '2001:db8::1', '2001:db8:ffff::/33'],
		...['0.0.0.0/0', '::/0', '192.0.2.1/32', '::1/128'],
	]);
	t.deepEqual(sorted.map(textsOf), [
		['10.0.0.1/32', '192.0.2.1/32'],
		['10.0.0.0/8', '0.0.0.0/0'],
		['2001:db8::1/128', '::1/128'],
		['2001:db8:8000::/33', '::/0'],
	]);
});

test('a prefix is written as it was read, but for what it does not cover', async t => {
	const prefix = fc
		.constantFrom(4, 16)
		.chain(size =>
			fc.tuple(fc.uint8Array({minLength: size, maxLength: size}), fc.nat(size * 8)),
		)
		.map(([address, length]) => ({address, length}));
	await fc.assert(
		fc.asyncProperty(fc.array(prefix, {maxLength: 40}), async prefixes => {
			const texts = prefixes.map(formatPrefix);
			const sorted = (await sortPrefixes(texts)).flatMap(textsOf);
			const expected = prefixes.map(({address, length}) => {
				const bits = [...address].map(byte => byte.toString(2).padStart(8, '0')).join('');
				const kept = bits.slice(0, length).padEnd(bits.length, '0');
				const bytes = Uint8Array.from(address, (_, i) =>
					Number.parseInt(kept.slice(i * 8, i * 8 + 8), 2),
				);
				return formatPrefix({address: bytes, length});
			});
			t.deepEqual(sorted.sort(), expected.sort());
		}),
	);
});

test('what is no prefix is refused', async t => {
	await t.throwsAsync(sortPrefixes(['10.0.0.1', '10.0.0.0/33']), {code: 'ERR_ADDRESS'});
});

test('keys of a map join others', async t => {
	const [list] = await sortPrefixes([]);
	if (list === undefined) return t.fail();
	list.add(Uint8Array.of(10, 0, 0, 1), 32);
	const more = new PrefilterKeys(list.list);
	for (let i = 0; i < 3000; i++) more.add(Uint8Array.of(10, 1, i >> 8, i & 0xff), 32);
	list.addKeys(more.bytes, more.count);
	t.is(list.count, 3001);
	t.deepEqual(textsOf(list).slice(0, 2), ['10.0.0.1/32', '10.1.0.0/32']);
	t.is(textsOf(list).at(-1), '10.1.11.183/32');
	return undefined;
});
