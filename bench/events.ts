/** Events of a ring buffer, read by C on libbpf and by skep in turns. */

import {loadCollection, openRingBuffer, parseObject} from '../src/index.js';
import {floor} from './floor.js';
import {compileBench} from './flows.js';
import {cpu, race} from './measure.js';
import {below, figures, type Figure} from './report.js';

interface Event {
	length: number;
	verdict: number;
	time: bigint;
}

const length = 64;

/** Nanoseconds of the consumer's CPU time for an event; what sends them is not counted. */
export async function benchEvents(count: number, rounds: number): Promise<Figure[]> {
	const spec = parseObject(await compileBench('events'), {name: 'events'});
	using collection = loadCollection(spec);
	using reader = openRingBuffer<Event>(collection.map('events'));
	const program = collection.program('send');
	floor.openRing(collection.map('events').fd);

	const consume = (read: () => number) => {
		const timed = cpu(() => {
			const events = read();
			if (events !== count) throw new Error(`${events} of ${count} events were read`);
			return events;
		});
		return (): number => {
			program.run({data: new Uint8Array(length), repeat: count});
			return timed();
		};
	};
	const batches = (read: (batch: NonNullable<ReturnType<typeof reader.read>>) => number) =>
		consume(() => {
			let events = 0;
			for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
				events += read(batch);
			}

			return events;
		});
	const timed = race(
		[
			['C ring_buffer__consume, one field', consume(() => floor.consumeRing())],
			['skep batches: bytes', batches(batch => batch.count)],
			[
				'skep batch.at(i): one field',
				batches(batch => {
					let events = 0;
					for (let i = 0; i < batch.count; i++) {
						if (batch.at(i).length === length) events++;
					}

					return events;
				}),
			],
			[
				'skep batch.cursor(): one field',
				batches(batch => {
					let events = 0;
					for (const event of batch.cursor()) if (event.length === length) events++;
					return events;
				}),
			],
			[
				'skep batch: an object an event',
				batches(batch => {
					let events = 0;
					for (const event of batch) if (event.length === length) events++;
					return events;
				}),
			],
		],
		rounds,
	);
	const lost = collection.variable('lost').get();
	if (lost !== 0n) throw new Error(`${String(lost)} events were lost`);
	return figures(timed, 'ns', {
		'skep batch.at(i): one field': below(15, 'ns'),
		'skep batch.cursor(): one field': below(15, 'ns'),
		'skep batch: an object an event': below(30, 'ns'),
	});
}
