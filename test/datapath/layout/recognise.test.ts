import test from 'ava';

import {mapTable, policyTable} from '../../../src/datapath/layout/map-table.js';
import {candidatesFor, type MapEvidence} from '../../../src/datapath/layout/recognise.js';

const bySizes = test.macro({
	exec(t, pin: string, keySize: number, valueSize: number, versions: string) {
		const table = [...Object.values(mapTable).flat(), ...policyTable];
		const pinned = table.find(each => each.pin === pin);
		if (pinned === undefined) {
			t.fail('the tables have no such pin');
			return;
		}

		const {list} = candidatesFor(pinned, {type: 'hash', keySize, valueSize});
		t.is(list.map(each => each.versions.join(' ')).join(', '), versions);
	},
	title: (_, pin, key, value, versions) =>
		`${pin} of ${key} and ${value} bytes is of ${versions === '' ? 'nobody' : String(versions)}`,
});

test(bySizes, 'policy_', 12, 24, '1.15 1.16');
test(bySizes, 'policy_v2_', 12, 24, '1.17');
test(bySizes, 'policy_v2_', 12, 8, '1.18');
test(bySizes, 'policy_v2_', 12, 12, '1.19 skep');
test(bySizes, 'policy_v2_', 12, 16, '');
test(bySizes, 'policy_', 8, 24, '');
test(bySizes, 'ipcache', 24, 12, '1.15, 1.16 1.17');
test(bySizes, 'ipcache_v2', 24, 24, '1.18, 1.19 skep');
test(bySizes, 'node_map', 20, 2, '1.15');
test(bySizes, 'ratelimit', 4, 16, '1.15 1.16');
test(bySizes, 'ratelimit', 8, 16, '1.17 1.18 1.19 skep');
test(bySizes, 'ct4_global', 14, 56, '1.15, 1.16 1.17, 1.18, 1.19, skep');
test(bySizes, 'ct4_global', 14, 48, '');
test(bySizes, 'lxc', 20, 48, '1.15 1.16, 1.17 1.18 1.19 skep');

test('a map of another sort has no known layout', t => {
	const [metrics] = mapTable.metrics;
	const [events] = mapTable.events;
	if (metrics === undefined || events === undefined) {
		t.fail();
		return;
	}

	t.deepEqual(candidatesFor(metrics, {type: 'hash', keySize: 8, valueSize: 16}).list, []);
	const perf: MapEvidence = {type: 'perf_event_array', keySize: 4, valueSize: 4};
	t.deepEqual(candidatesFor(events, perf).list, []);
});
