/** Reads a map by a program that walks it in the kernel: `consistency: 'fast'`. */

import {readFileSync} from 'node:fs';
import {constants} from 'node:os';

import {alignUp, hostLittleEndian, viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {layoutOf} from '../../format/codec/build-layout.js';
import type {Layout} from '../../format/codec/layout.js';
import {parseCpus} from '../../kernel/host/cpus.js';
import type {MapCreateAttr} from '../../kernel/sys/map.js';
import type {TestRunAttr, TestRunResult} from '../../kernel/sys/program.js';
import {errnoOf, SyscallError} from '../../kernel/sys/syscall-error.js';
import type {MapType} from '../../uapi/map-types.js';
import {loadProgram} from '../program/load-program.js';
import type {Program} from '../program/program.js';
import {compileFilter, type ElementFilter} from './fast-filter.js';
import {FastOutput, outputAttr} from './fast-output.js';
import {fastContext, fastProgram, recordSize, type FastLayout} from './fast-program.js';
import type {MapCodecOptions, MapTypes} from './map-codecs.js';
import {elementError, MapError} from './map-error.js';
import type {MapInfo} from './map-info.js';
import {isIndexed, isPerCpu} from '../../uapi/map-kinds.js';
import type {Batch, ScanStatus, ScanTarget} from './scan.js';

const {EINTR} = constants.errno;

/**
 * How to read with `consistency: 'fast'`: a program walks the map in the kernel and copies elements
 * into memory that is shared with this process, several times as fast as the kernel's batches.
 *
 * It takes no lock: a value may be read while it is being written, so that parts of it are old and
 * parts are new, and what is inserted or deleted meanwhile may make other elements be missed or be
 * read twice. Where the elements do not fit into `memoryLimit`, the walk begins anew for each portion
 * and passes over as many as it has seen: portions are of different times, and each costs a walk from
 * the start. `complete` says that the walk came to the end of the map. The CPU it runs on does nothing
 * else meanwhile: 0.1 to 0.2 s for a million elements. Hash, LRU and array maps and their per-CPU
 * forms; the kernel walks no LPM trie for a program, which is refused (`ERR_MAP`) and read by the
 * kernel's batches. *Kernel:* 5.14, 5.19 for per-CPU maps.
 */
export interface FastOptions {
	/** Only elements that match; the others are not even copied. Not for values of per-CPU maps. */
	readonly filter?: ElementFilter;
	/** Bytes of kernel memory at most, 128 MB unless given. */
	readonly memoryLimit?: number;
}

/** What is known of the map. */
export interface FastSource {
	readonly info: MapInfo;
	readonly types: MapTypes | undefined;
	readonly codecs: MapCodecOptions;
}

/** A run of the program, to be made by who drives the scan. */
export interface RunCall {
	readonly run: TestRunAttr;
}

/** A map to be created by who drives the scan, who gives back its descriptor or `-errno`. */
export interface CreateCall {
	readonly create: MapCreateAttr;
}

const walkable: ReadonlySet<MapType> = new Set<MapType>([
	'hash',
	'lru_hash',
	'percpu_hash',
	'lru_percpu_hash',
	'array',
	'percpu_array',
]);

const defaultLimit = 128 * 1024 * 1024;
// Few elements match most filters: what this holds is tried first.
const firstSize = 4 * 1024 * 1024;
// Copied out at a time, so that it is still in the cache when it is decoded.
const batchBytes = 256 * 1024;

/** What a driver answers; undefined for a batch. */
export type FastAnswer = TestRunResult | number | object | undefined;

/** The steps of a scan; see `scan`. *Throws:* `ERR_MAP`, `ERR_USAGE`. */
export function* fastSteps(
	target: ScanTarget,
	options: FastOptions & {readonly batchSize?: number},
	status: ScanStatus,
): Generator<RunCall | CreateCall | Batch, void, FastAnswer> {
	const {fast} = target;
	if (fast === undefined) throw new TypeError('the scan knows nothing of the map');
	const {info} = fast;
	checkType(info);
	const layout = fastLayout(info);
	const record = recordSize(layout);
	const limit = capacityFor(info, record, options.memoryLimit ?? defaultLimit);
	const batchSize = Math.max(1, options.batchSize ?? Math.floor(batchBytes / record));
	const few = Math.min(limit, Math.max(1, Math.floor(firstSize / record)));
	let capacity = options.filter === undefined ? limit : few;
	const open = () => openWalker(target.fd, fast, layout, capacity, options.filter);
	let walker = yield* open();
	try {
		const bytes = new Uint8Array(Math.min(batchSize, limit) * record);
		for (let seen = 0n; walker !== undefined;) {
			const result = yield {run: walker.run(seen)};
			if (typeof result !== 'object' || !('contextSize' in result)) return;
			if (result.result === -EINTR) continue;
			const walked = walker.result(result);
			for (let first = 0; first < walked.copied; first += batchSize) {
				const count = Math.min(batchSize, walked.copied - first);
				walker.read(first * record, bytes.subarray(0, count * record));
				const values = bytes.subarray(alignUp(info.keySize, 8));
				yield {count, keys: bytes, values, keySize: record, valueStride: record};
			}

			if (!walked.full) {
				status.complete = true;
				return;
			}

			seen = walked.seen;
			if (capacity === limit) continue;
			capacity = limit;
			walker.close();
			walker = yield* open();
		}
	} finally {
		walker?.close();
	}
}

/** Undefined where the driver gives up. */
function* openWalker(
	fd: number,
	source: FastSource,
	layout: FastLayout,
	capacity: number,
	filter: ElementFilter | undefined,
): Generator<CreateCall, FastWalker | undefined, FastAnswer> {
	const {name} = source.info;
	const record = recordSize(layout);
	const compiled = compileFilter(filter ?? {}, filterLayouts(source), 'next');
	const created = yield {create: outputAttr(record, capacity)};
	if (typeof created !== 'number') return undefined;
	if (created < 0) {
		const cause = new SyscallError('map_create', -created);
		const detail = `memory for ${capacity} elements of ${record} bytes: ${cause.message}`;
		throw new MapError('read', name, detail, {cause, errno: -created});
	}

	const output = new FastOutput(created, record * capacity, name);
	try {
		const program = loadProgram(fastProgram(layout, {map: fd, output: output.fd}, compiled));
		return new FastWalker(name, program, output);
	} catch (cause) {
		output.close();
		throw refusedError(name, cause);
	}
}

function checkType({type, name}: MapInfo): void {
	if (walkable.has(type)) return;
	const detail = `a program cannot walk a map of type ${type}; leave out consistency 'fast' for the kernel's batches`;
	throw new MapError('read', name, detail);
}

function fastLayout({type, keySize, valueSize}: MapInfo): FastLayout {
	const possible = '/sys/devices/system/cpu/possible';
	const cpus = isPerCpu(type) ? parseCpus(readFileSync(possible, 'utf8')) : undefined;
	return {keySize, valueSize, cpus};
}

/** Elements that the output may hold. */
function capacityFor({maxEntries, name}: MapInfo, record: number, memoryLimit: number): number {
	if (Number.isInteger(memoryLimit) && memoryLimit >= record) {
		return Math.min(Math.floor(memoryLimit / record), Math.max(maxEntries, 1));
	}

	throw new UsageError(
		`read map "${name}": memoryLimit is a number of bytes, at least the ${record} of an element, not ${memoryLimit}`,
	);
}

interface Walked {
	readonly copied: number;
	readonly seen: bigint;
	readonly full: boolean;
}

/** The program, and the memory it copies to: it owns both. */
class FastWalker {
	private readonly name: string;
	private readonly context = new Uint8Array(fastContext.size);
	private readonly view = viewOf(this.context);
	private readonly program: Program;
	private readonly output: FastOutput;

	constructor(name: string, program: Program, output: FastOutput) {
		this.name = name;
		this.program = program;
		this.output = output;
	}

	run(skip: bigint): TestRunAttr {
		this.context.fill(0);
		this.view.setBigUint64(fastContext.skip, skip, hostLittleEndian);
		return {fd: this.program.fd, context: this.context, repeat: 0, flags: 0, cpu: 0};
	}

	result({result}: TestRunResult): Walked {
		if (result < 0) throw elementError('walk', this.name, -result);
		const word = (at: number): bigint => this.view.getBigUint64(at, hostLittleEndian);
		return {
			copied: Number(word(fastContext.copied)),
			seen: word(fastContext.seen),
			full: word(fastContext.full) !== 0n,
		};
	}

	read(offset: number, bytes: Uint8Array): void {
		this.output.read(offset, bytes);
	}

	close(): void {
		this.program.close();
		this.output.close();
	}
}

function refusedError(name: string, cause: unknown): MapError {
	const errno = errnoOf(cause);
	const detail = `the kernel takes no program that walks it (5.14, or 5.19 for per-CPU maps, is needed); leave out consistency 'fast' for its batches: ${(cause as Error).message}`;
	return new MapError('read', name, detail, {cause, ...(errno === undefined ? {} : {errno})});
}

function filterLayouts({info, types, codecs}: FastSource) {
	const layout = (typeId: number | undefined, fields: MapCodecOptions['key']) =>
		types === undefined || typeId === undefined || typeId === 0
			? undefined
			: layoutOf(types.btf, typeId, fields);
	const index: Layout = {kind: 'int', size: 4, signed: false, bool: false};
	return {
		map: info.name,
		key: isIndexed(info.type) ? index : layout(types?.keyTypeId, codecs.key),
		value: isPerCpu(info.type) ? undefined : layout(types?.valueTypeId, codecs.value),
	};
}
