/**
 * How long a packet takes past a number of rules: through a list of them, and through a trie. Makes
 * a table, and a page with a chart.
 *
 *     skep lab run examples/lab-latency-by-rules.ts [MOST RULES] [ROUNDS] [FOLDER]
 *
 * Kernel 5.17.
 */

import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {compileObject, loadCollection, readObject} from 'skep';
import {experiment} from 'skep/lab';

const [most = '4096', rounds = '10', folder = 'experiments'] = process.argv.slice(2);

const source = fileURLToPath(new URL('lab-latency-by-rules.bpf.c', import.meta.url));
await mkdir(folder, {recursive: true});
const {output} = await compileObject(source, {output: join(folder, 'rules.bpf.o')});
const spec = await readObject(output);

/** 1, 4, 16 … */
const counts = Array.from({length: 9}, (_, i) => 4 ** i).filter(count => count <= Number(most));

/** An Ethernet frame with IPv4 from 192.0.2.1: no rule is about it. */
const frame = Buffer.alloc(60);
frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00]);
frame.set([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2], 14);

/** As it stands in a packet: 10.0.0.0, 10.0.1.0, … */
function addressOf(index: number): number {
	return Buffer.from([10, index >> 8, index & 255, 0]).readUInt32LE();
}

function load(rules: number) {
	const collection = loadCollection(spec);
	const [list, trie] = [collection.map('list'), collection.map('trie')];
	for (let i = 0; i < rules; i++) {
		list.set(i, {address: addressOf(i), mask: 0x00_ff_ff_ff});
		trie.set({prefixlen: 24, address: addressOf(i)}, i);
	}

	collection.variable('count').set(rules);
	return collection;
}

await experiment(
	{
		name: 'latency-by-rules',
		parameters: {rules: counts, search: ['list', 'trie']},
		repeat: Number(rounds),
		warmUp: 1,
		units: {latency: 'ns'},
		inputs: [output],
		folder,
	},
	({rules, search}) => {
		using collection = load(rules);
		const program = collection.program(search === 'list' ? 'walk_list' : 'look_up_trie');
		const repeat = Math.ceil(1e6 / rules);
		const {verdict, duration} = program.run({data: frame, repeat});
		if (verdict !== 'pass') throw new Error(`the packet gets ${String(verdict)}`);
		return {latency: duration};
	},
);
