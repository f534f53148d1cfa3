import test from 'ava';
import {nearest} from '../../src/base/suggest.js';

const suggests = test.macro({
	exec(t, name: string, candidates: readonly string[], expected: string | undefined) {
		t.is(nearest(name, candidates), expected);
	},
	title: (_, name: string, candidates: readonly string[], expected?: string) =>
		`"${name.slice(0, 20)}" among ${candidates.join(' ')} suggests ${expected ?? 'nothing'}`,
});

test(suggests, 'counter', ['counters', 'events'], 'counters');
test(suggests, 'cuonters', ['events', 'counters'], 'counters');
test(suggests, 'Counters', ['counters'], 'counters');
test(suggests, 'xdp_entyr', ['xdp_entry', 'xdp_exit'], 'xdp_entry');
test(suggests, 'flows', ['flows', 'flow'], 'flows');
test(suggests, 'events', ['counters'], undefined);
test(suggests, 'a', ['b'], 'b');
test(suggests, 'a', ['bc'], undefined);
test(suggests, '', ['a'], 'a');
test(suggests, 'x', [], undefined);
test(suggests, 'x'.repeat(1000), ['y'], undefined);
test(suggests, 'map', ['maps', 'mop', 'map2'], 'maps');
