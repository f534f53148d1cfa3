import test from 'ava';
import fc from 'fast-check';
import {EbpfError} from '../../../src/base/errors.js';
import {Btf} from '../../../src/format/btf/btf.js';
import {dumpC} from '../../../src/format/btf/c/dump.js';
import {diffTypes} from '../../../src/format/btf/diff.js';
import {mergeTypes} from '../../../src/format/btf/merge.js';
import {searchTypes} from '../../../src/format/btf/search.js';
import {fixtureTypes} from './types.js';

const damages = test.macro({
	async exec(t, _: string, use: (btf: Btf, whole: Btf) => unknown) {
		const whole = await fixtureTypes();
		const {bytes} = whole;
		// Past the header, where damage is rarely noticed at once.
		const place = fc.integer({min: 24, max: bytes.length - 1});
		const damage = fc.array(fc.tuple(place, fc.nat(255)), {minLength: 1, maxLength: 6});
		fc.assert(
			fc.property(damage, places => {
				const copy = bytes.slice();
				for (const [at, value] of places) copy[at] = value;
				try {
					use(Btf.parse(copy), whole);
				} catch (error) {
					if (!(error instanceof EbpfError)) throw error;
				}
			}),
			{numRuns: 300},
		);
		t.pass();
	},
	title: (_, what) => `damaged types: ${what} ends, at worst with an error of its own`,
});

test(damages, 'the dump as C', btf => [...dumpC(btf, {kfuncs: true})]);
test(damages, 'the comparison', (btf, whole) => [...diffTypes(whole, btf)]);
test(damages, 'the merge', (btf, whole) => mergeTypes([btf, whole]));
test(damages, 'the search', btf => [...searchTypes(btf, '*a*')]);
