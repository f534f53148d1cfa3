/** What reads input that others made, each with a few whole ones to begin with. */

import {readdirSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

import {servicesFromKubernetes} from '../../src/datapath/services/kubernetes.js';
import {disassemble} from '../../src/format/asm/disassemble.js';
import {Btf} from '../../src/format/btf/btf.js';
import {dumpC} from '../../src/format/btf/c/dump.js';
import {parseBtfExt} from '../../src/format/btf/ext.js';
import {createCodec} from '../../src/format/codec/codec.js';
import {parseElf} from '../../src/format/elf/elf.js';
import {sectionTypes} from '../../src/format/elf/types.js';
import {VerifierError} from '../../src/format/log/verifier-error.js';
import {encodePcap, packet, parsePacket, readPcap} from '../../src/lab/index.js';
import {Candidates} from '../../src/spec/core-relo/candidates.js';
import {relocateProgram} from '../../src/spec/core-relo/relocate.js';
import {parseObject} from '../../src/spec/read.js';
import {samples} from '../lab/packet/samples.js';
import {corpus, object} from '../spec/corpus.js';

export interface Format {
	/** Of a hundred cases; formats that are quick to read have more. */
	readonly share: number;
	readonly pool: readonly Uint8Array[];
	/** Its own words, where it is text. */
	readonly words?: readonly Uint8Array[];
	/** Bytes of memory that reading may take whatever the input, unless a megabyte. */
	readonly allowance?: number;
	/** Bytes of zeros that an input stands for: nobody writes them, so they take no memory. */
	readonly zeros?: (bytes: Uint8Array) => number;
	/** Reads; errors of the project's own mean that it is refused. */
	readonly read: (bytes: Uint8Array) => unknown;
}

const fixtures = fileURLToPath(new URL('../../../test/fixtures', import.meta.url));
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const textWords = (text: string): Uint8Array[] =>
	text.split(' ').map(word => encoder.encode(word.replaceAll('\\n', '\n')));

async function sections(name: string): Promise<Uint8Array[]> {
	const found = (await corpus()).map(({bytes}) => parseElf(bytes).section(name)?.data);
	return found.filter(data => data !== undefined);
}

/** Objects that are small, so that changes meet what is read. */
async function objects(): Promise<Uint8Array[]> {
	const all = (await corpus()).map(({bytes}) => bytes);
	return all.filter(({length}) => length < 40_000);
}

function zerosOf(bytes: Uint8Array): number {
	try {
		const sections = parseElf(bytes).sections.filter(({type}) => type === sectionTypes.nobits);
		return sections.reduce((sum, {size}) => sum + size, 0);
	} catch {
		return 0;
	}
}

async function typesOf(name: string): Promise<Btf> {
	const data = parseElf(await object(name)).section('.BTF')?.data;
	if (data === undefined) throw new Error(`${name} has no types`);
	return Btf.parse(data);
}

/** A text of several documents, and each alone. */
const documents = (text: string): Uint8Array[] =>
	[text, ...text.split('\n---\n')].map(document => encoder.encode(document));

const frames = (): Uint8Array[] =>
	Object.values(samples).map(parts => Uint8Array.from(packet(...parts).bytes));

const makers: Readonly<Record<string, () => Promise<Format> | Format>> = {
	object: async () => ({
		share: 12,
		pool: await objects(),
		zeros: zerosOf,
		read: bytes => {
			const {programs} = parseObject(bytes);
			for (const {instructions, byteOrder} of Object.values(programs)) {
				disassemble(instructions, {littleEndian: byteOrder === 'little'});
			}
		},
	}),
	btf: async () => ({
		share: 12,
		pool: (await sections('.BTF')).filter(({length}) => length < 10_000),
		read: bytes => {
			let written = 0;
			for (const piece of dumpC(Btf.parse(bytes))) {
				written += piece.length;
				if (written > 1_000_000) break;
			}
		},
	}),
	'btf-ext': async () => {
		const types = await typesOf('linking');
		return {
			share: 14,
			pool: (await sections('.BTF.ext')).filter(({length}) => length < 10_000),
			read: bytes => parseBtfExt(bytes, types),
		};
	},
	'core-relocations': async () => {
		const programs = Object.values(
			parseObject(await object('relocations', [], 'core')).programs,
		);
		const wanted = programs.filter(({coreRelocations}) => coreRelocations.length > 0);
		const types = wanted[0]?.types;
		if (types === undefined) throw new Error('nothing to relocate');
		return {
			share: 8,
			pool: [types.bytes],
			read: bytes => {
				const target = Btf.parse(bytes);
				const program = wanted[(bytes.at(-2) ?? 0) % wanted.length];
				if (program === undefined) return;
				relocateProgram(program, new Candidates({name: 'x', types: () => target}));
			},
		};
	},
	instructions: async () => ({
		share: 14,
		pool: Object.values(parseObject(await object('linking')).programs).map(
			({instructions}) => instructions,
		),
		read: bytes => disassemble(bytes),
	}),
	log: () => ({
		share: 7,
		pool: readdirSync(`${fixtures}/toolchain/verifier`)
			.filter(name => name.endsWith('.log'))
			.map(name => readFileSync(`${fixtures}/toolchain/verifier/${name}`))
			.filter(({length}) => length < 20_000),
		words: textWords(
			'R1 R10 =ctx() fp-8= ; @ : \\n processed insns 4294967295 -1 from to r0 (',
		),
		read: bytes => new VerifierError('x', decoder.decode(bytes), new Error('x')).explain(),
	}),
	packet: () => ({share: 10, pool: frames(), read: bytes => String(parsePacket(bytes))}),
	pcap: () => ({
		share: 9,
		pool: (['pcap', 'pcapng'] as const).flatMap(format => {
			const records = frames().map((bytes, i) => ({at: BigInt(i), bytes}));
			return [records, ...records.map(record => [record])].map(some =>
				encodePcap(some, {format}),
			);
		}),
		read: bytes => [...readPcap(bytes)].map(({bytes}) => bytes.length),
	}),
	values: async () => {
		const types = await typesOf('variables');
		const ids = Array.from({length: types.typeCount - 1}, (_, i) => i + 1);
		const codecs = ids.flatMap(id => {
			try {
				return [createCodec(types, id)];
			} catch {
				return [];
			}
		});
		return {
			share: 12,
			pool: [0, 1, 127, 255].map(byte => new Uint8Array(256).fill(byte)),
			read: bytes => {
				const codec = codecs[(bytes[0] ?? 0) % codecs.length];
				if (codec === undefined || codec.size > bytes.length) return;
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
				JSON.parse(codec.toJson(view, 0));
				codec.encode(codec.decode(view, 0), new DataView(new ArrayBuffer(codec.size)), 0);
			},
		};
	},
	kubernetes: () => ({
		share: 1,
		pool: documents(readFileSync(`${fixtures}/kubernetes/web.yaml`, 'utf8')),
		// A tree with the place and the text of each of its words.
		allowance: 8 << 20,
		words: textWords(
			'--- - : &a *a !!binary !!int {} [] null ~ 0x7f 1e9 -1 65536 :: 10.0.0.0 \\n "" kind: | >',
		),
		read: async bytes => servicesFromKubernetes(decoder.decode(bytes)),
	}),
};

/** Readers that are to be caught. */
const faults: Readonly<Record<string, () => Format>> = {
	foreign: () => faulty(() => Buffer.alloc(-1)),
	greedy: () => faulty(bytes => Array.from({length: 1 << 18}, () => bytes)),
	/** Is not to be. */
	zeros: () => ({...faulty(() => new Uint8Array(8 << 20)), zeros: () => 8 << 20}),
	endless: () =>
		faulty(bytes => {
			while (bytes.length >= 0);
		}),
};

const faulty = (read: Format['read']): Format => ({share: 0, pool: [new Uint8Array(64)], read});

export const formatNames = Object.keys(makers);

export async function openFormat(name: string): Promise<Format> {
	const make = makers[name] ?? faults[name];
	if (make === undefined) throw new TypeError(`no format "${name}"`);
	return make();
}
