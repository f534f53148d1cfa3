import type {ExecutionContext} from 'ava';
import type {Collection} from '../../../src/object/collection/collection.js';
import {loadFixture} from '../../helpers/load.js';

/** As in the fixture. */
export const orders = {
	return: 1,
	rewrite: 2,
	push: 3,
	meta: 4,
	add: 5,
	delete: 6,
	count: 7,
	recent: 8,
	slot: 9,
	total: 10,
	context: 11,
	once: 12,
} as const;

/** A frame that tells the fixture's program what to do; of the ethertype 0x1234. */
export function order(name: keyof typeof orders, argument = 0): Uint8Array {
	const bytes = new Uint8Array(64);
	bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x12, 0x34, orders[name], argument]);
	return bytes;
}

export async function loadOrders(t: ExecutionContext): Promise<Collection> {
	const programs = ['xdp_orders', 'tc_orders', 'cgroup_orders', 'not_on_packets'];
	return loadFixture(t, 'lab/orders', {programs});
}
