/** `skep map events`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {jsonOf} from '../../base/json.js';
import type {BpfMap, Btf, EventTypeOptions, FieldCodecs} from '../../index.js';
import {collect, fieldCodecs, wholeNumber} from '../arguments.js';
import {openTypes, sourceHelp} from '../btf/open.js';
import {outputOptions, write} from '../output/print.js';
import {openMap, verb} from './open.js';

export function addEvents(map: Command): void {
	verb(map, 'events', 'what programs send by a ring buffer or perf buffer, until Ctrl-C')
		.option('--type <type>', 'C type of an event; bytes unless given')
		.option('--btf <btf>', `where the type is: ${sourceHelp}; a program's that has the map`)
		.option('--field <path=codec>', 'be16 be32 be64 ipv4 ipv6 mac string bytes hex', collect)
		.option('-n, --count <events>', 'end after so many', wholeNumber('count', 1))
		.option('--take-over', 'of a perf buffer, take the places of its reader')
		.addHelpText(
			'after',
			`
An event goes to one reader: who reads the map already misses it.

Example:
  skep map events /sys/fs/bpf/trace/maps/events --type 'struct event'
  skep map events 12 --type event --field value.saddr=ipv4 -o json`,
		)
		.action(events);
}

interface EventsOptions {
	readonly type?: string;
	readonly btf?: string;
	readonly field?: readonly string[];
	readonly count?: number;
	readonly takeOver?: boolean;
}

async function events(text: string, options: EventsOptions, command: Command): Promise<void> {
	const {openPerfBuffer, openRingBuffer} = await import('../../index.js');
	const {count = Infinity, takeOver = false} = options;
	using map = await openMap(text);
	const isPerf = map.info.type === 'perf_event_array';
	if (isPerf && !takeOver) {
		throw new UsageError(
			`read events of map "${map.name}": a perf buffer has one reader; --take-over makes it this`,
		);
	}

	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	const given = {...(await typesOf(map, options)), signal: stop.signal};
	using reader = isPerf ? openPerfBuffer(map, given) : openRingBuffer(map, given);
	const isTable = outputOptions(command).output === 'table';
	process.stderr.write('skep: listening; Ctrl-C ends it\n');
	let left = count;
	for await (const batch of reader) {
		const {cpu, lost} = batch;
		if (lost > 0) process.stderr.write(`skep: lost ${lost} events: the buffer was full\n`);
		const lines: string[] = [];
		for (const event of batch) {
			if (left-- <= 0) break;
			lines.push(isTable ? jsonOf(event) : jsonOf({event, cpu}));
		}

		write(lines.map(line => `${line}\n`).join(''));
		if (left <= 0) break;
	}
}

async function typesOf(map: BpfMap, options: EventsOptions): Promise<EventTypeOptions> {
	const {type, btf, field = []} = options;
	const {value} = fieldCodecs(field) as {value?: FieldCodecs};
	const fields = value === undefined ? {} : {fields: value};
	if (type === undefined) return fields;
	const types = btf === undefined ? await typesOfPrograms(map) : await openTypes(btf);
	return {type, ...(types === undefined ? {} : {types}), ...fields};
}

/** The kernel keeps no types for rings; programs that send have them. */
async function typesOfPrograms(map: BpfMap): Promise<Btf | undefined> {
	const {listPrograms, openBtfById} = await import('../../index.js');
	for (const {btfId, mapIds} of listPrograms()) {
		if (btfId !== 0 && mapIds.includes(map.info.id)) return openBtfById(btfId);
	}

	return undefined;
}
