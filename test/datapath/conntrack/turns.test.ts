import test from 'ava';

import {FastClock} from '../../helpers/fast-clock.js';
import {kernelTest} from '../../helpers/kernel.js';
import {guardEndpoint, type GuardedEndpoint} from './guarded-endpoint.js';

const kernel = kernelTest({feature: 'programs that walk maps', since: '5.19', serial: true});

const entries = 4096;
// Steps between two looks at the clock, which here says each time that a turn is due.
const mostInTurn = 32;

/** Flows that ended long ago, of both families. */
function fill({maps}: GuardedEndpoint): void {
	for (const [name, daddr, saddr] of [
		['ctTcp4', '10.0.0.1', '192.0.2.9'],
		['ctTcp6', 'fd00::1', '2001:db8::9'],
	] as const) {
		const map = maps.require(name);
		const entry = map.valueCodec.decode(new DataView(new ArrayBuffer(map.info.valueSize)), 0);
		const flows = Array.from({length: entries / 2}, (_, i) => {
			const key = {daddr, saddr, dport: 80, sport: i + 1, nexthdr: 6, flags: 0};
			return [key, {...entry, lifetime: 1}] as const;
		});
		map.setMany(flows);
	}
}

/** Counts in which turn of the event loop things are done. */
class TurnCounter implements Disposable {
	readonly counts = new Map<number, number>();
	private turn = 0;
	private isOver = false;

	constructor() {
		const next = (): void => {
			this.turn++;
			if (!this.isOver) setImmediate(next);
		};
		setImmediate(next);
	}

	count(): void {
		this.counts.set(this.turn, (this.counts.get(this.turn) ?? 0) + 1);
	}

	get total(): number {
		return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
	}

	get most(): number {
		return Math.max(...this.counts.values());
	}

	[Symbol.dispose](): void {
		this.isOver = true;
	}
}

const listed = test.macro({
	async exec(t, consistency: 'locked' | 'fast') {
		const endpoint = await guardEndpoint(t);
		fill(endpoint);
		using turns = new TurnCounter();
		using _ = new FastClock(6);
		for await (const flow of endpoint.conntrack.list({consistency})) {
			if (flow.lifetime === 1) turns.count();
		}

		t.is(turns.total, entries);
		t.true(turns.most <= mostInTurn, `${turns.most} flows in one turn`);
	},
	title: (_, consistency) => `a list that is read ${consistency} lets others have their turns`,
});

kernel(listed, 'locked');
kernel(listed, 'fast');

kernel('removing what is over lets others have their turns', async t => {
	const endpoint = await guardEndpoint(t);
	fill(endpoint);
	using turns = new TurnCounter();
	for (const name of ['ctTcp4', 'ctTcp6'] as const) {
		const {raw} = endpoint.maps.require(name);
		const remove = raw.delete.bind(raw);
		raw.delete = key => {
			turns.count();
			return remove(key);
		};
	}

	using _ = new FastClock(6);
	const result = await endpoint.conntrack.gc();
	t.is(result.deleted, entries);
	t.is(turns.total, entries);
	t.true(turns.most <= mostInTurn, `${turns.most} flows in one turn`);
});
