/** Loads all maps and programs of an object, or none. */

import {setImmediate as immediate} from 'node:timers/promises';

import {hostLittleEndian} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {possibleCpus} from '../../kernel/sys/map.js';
import type {Fd} from '../../kernel/sys/fd.js';
import {prepareCandidates} from '../../spec/core-relo/relocate.js';
import type {CollectionSpec, ProgramSpec} from '../../spec/types.js';
import {createCodec} from '../../format/codec/codec.js';
import type {BtfFeature} from '../../format/btf/strip.js';
import {settingsSection} from '../../spec/names.js';
import {type BtfLoadError, loadTypes} from '../btf/btf-object.js';
import type {MapCodecOptions} from '../map/map-codecs.js';
import type {BpfMap} from '../map/map.js';
import type {MismatchPolicy} from '../map/reuse-pin.js';
import type {MigrateOptions} from '../migrate/converter.js';
import {verifyProgram, verifyProgramAsync} from '../program/load-program.js';
import type {AttachTo} from '../program/attach-btf.js';
import {ExternResolver} from '../program/externs.js';
import {coreTarget, type TargetBtf} from '../program/core-target.js';
import {prepareProgram, type PreparedProgram} from '../program/prepare-program.js';
import type {Program} from '../program/program.js';
import {bindMetadata} from './metadata.js';
import {Collection} from './collection.js';
import {withCpuScratch} from './cpu-scratch.js';
import {DataSection} from './data-section.js';
import {withValues} from './initial-values.js';
import {MapSet} from './map-set.js';
import {type SettingValue, settingBytes} from './settings.js';
import {Variable} from './variable.js';

/** What of a collection is loaded, and how. */
export interface LoadCollectionOptions {
	/** Directory in a bpf filesystem for maps that the object wants pinned by name. */
	readonly pinRoot?: string;
	/** Pins maps that the object does not ask to pin, too: all but data sections. */
	readonly pinMaps?: 'by-object' | 'all';
	/** When a pinned map is not what the object declares: `fail` unless given. */
	readonly onMismatch?: MismatchPolicy;
	/** How the policy `migrate` brings maps into their new form, by name. */
	readonly migrate?: Readonly<Record<string, MigrateOptions>>;
	/**
	 * Maps to use in the place of the object's own, by name: open ones, which are not closed with
	 * the collection, or paths of pins. Each must be what the object declares.
	 */
	readonly replaceMaps?: Readonly<Record<string, BpfMap | string>>;
	/**
	 * Values that global variables start with, constants included, by name; `spec.variables` stay as
	 * they are. A name that the object does not have is an error.
	 */
	readonly variables?: Readonly<Record<string, unknown>>;
	/** Settings to use in the place of the kernel's own, by name: `{CONFIG_HZ: 250}`. */
	readonly settings?: Readonly<Record<string, SettingValue>>;
	/** Codecs for keys and values of maps, by name. */
	readonly codecs?: Readonly<Record<string, MapCodecOptions>>;
	/** Load only these programs; all that the object loads by default unless given. */
	readonly programs?: readonly string[];
	/** Functions of other programs that programs of this object replace or trace, by their names. */
	readonly attachTo?: Readonly<Record<string, AttachTo>>;
	/** See `LoadProgramOptions`. */
	readonly logLevel?: number;
	/** See `LoadProgramOptions`. */
	readonly targetBtf?: TargetBtf;
	/** Stops an asynchronous load between programs; it throws the signal's reason. */
	readonly signal?: AbortSignal;
}

const knownOptions: ReadonlySet<string> = new Set<keyof LoadCollectionOptions>([
	'pinRoot',
	'pinMaps',
	'onMismatch',
	'migrate',
	'replaceMaps',
	'variables',
	'settings',
	'codecs',
	'programs',
	'attachTo',
	'logLevel',
	'targetBtf',
	'signal',
]);

/** A program to be verified; undefined where others may have their turn. */
type Steps = Generator<PreparedProgram | undefined, Collection, Program | undefined>;

/**
 * Loads an object: creates or reuses its maps, then loads its programs.
 *
 * All or nothing: when anything fails, what was made is closed and every pin is as before.
 * *Throws:* what `createMap`, `loadProgram` and pinning throw.
 */
export function loadCollection(
	spec: CollectionSpec,
	options: LoadCollectionOptions = {},
): Collection {
	const steps = loadSteps(spec, options);
	let step = steps.next();
	while (step.done !== true) {
		if (step.value === undefined) {
			step = steps.next();
			continue;
		}

		let program;
		try {
			program = verifyProgram(step.value);
		} catch (error) {
			steps.throw(error);
			throw error;
		}

		step = steps.next(program);
	}

	return step.value;
}

/** The same, with the verifier at work on the thread pool. */
export async function loadCollectionAsync(
	spec: CollectionSpec,
	options: LoadCollectionOptions = {},
): Promise<Collection> {
	const steps = loadSteps(spec, options);
	let step = steps.next();
	while (step.done !== true) {
		if (step.value === undefined) {
			await immediate();
			step = steps.next();
			continue;
		}

		let program;
		try {
			program = await verifyProgramAsync(step.value);
		} catch (error) {
			steps.throw(error);
			throw error;
		}

		step = steps.next(program);
	}

	return step.value;
}

function* loadSteps(given: CollectionSpec, options: LoadCollectionOptions): Steps {
	check(given, options);
	const spec = options.variables === undefined ? given : withValues(given, options.variables);
	const wanted = wantedPrograms(spec, options);
	const maps = new MapSet(withCpuScratch(withSettings(spec, options), possibleCpus), options);
	const programs = Object.create(null) as Record<string, Program>;
	const hasExterns = Object.keys(spec.externs).length > 0;
	const externs = hasExterns ? new ExternResolver() : undefined;
	const candidates = coreTarget(options.targetBtf);
	const prepared: PreparedProgram[] = [];
	let btf: Fd | undefined;
	let typesLeftOut: readonly BtfFeature[] = [];
	let typesRefusal: BtfLoadError | undefined;
	try {
		if (spec.types !== undefined) {
			const loaded = loadTypes(spec.types, spec.name, hasExterns);
			btf = loaded.fd;
			typesLeftOut = loaded.stripped;
			typesRefusal = loaded.refusal;
		}

		maps.open(btf?.number);
		const typed = !typesLeftOut.includes('functions');
		const btfFd = typed && btf !== undefined ? btf.number : ('none' as const);
		prepareCandidates(wanted, candidates);
		const {logLevel = 0, attachTo = {}} = options;
		const {maps: opened, absent: absentMaps} = maps;
		const shared = {maps: opened, absentMaps, btfFd, externs, candidates, logLevel};
		for (const each of wanted) {
			const to = Object.hasOwn(attachTo, each.name) ? attachTo[each.name] : undefined;
			prepared.push(prepareProgram(each, {...shared, attachTo: to}));
			yield undefined;
		}

		for (const each of prepared) {
			options.signal?.throwIfAborted();
			const program = yield each;
			if (program !== undefined) programs[each.spec.name] = program;
		}

		options.signal?.throwIfAborted();
		bindMetadata(spec, maps.maps, Object.values(programs));
		maps.fillSlots(programs);
		// Last of all: what is copied now need not be copied again.
		const copy = maps.upgrade.copy();
		while (copy.next().done !== true) {
			yield undefined;
			options.signal?.throwIfAborted();
		}

		maps.loaded();
		const sections = dataSections(spec, maps.maps);
		return new Collection({
			maps: maps.maps,
			programs,
			variables: variables(spec, sections),
			sections: [...sections.values()],
			borrowed: maps.borrowed,
			pins: maps.pins,
			structOps: maps.structOps(programs),
			typesLeftOut,
			typesRefusal,
			upgrade: maps.upgrade,
		});
	} catch (error) {
		for (const program of Object.values(programs)) program.close();
		maps.rollback();
		throw typesRefusal === undefined ? error : typesRefusal.andThen(error);
	} finally {
		for (const each of prepared) each[Symbol.dispose]();
		btf?.close();
		externs?.close();
	}
}

function withSettings(spec: CollectionSpec, options: LoadCollectionOptions): CollectionSpec {
	const settings = spec.maps[settingsSection];
	if (settings === undefined && options.settings === undefined) return spec;
	const contents = settingBytes(spec, options.settings);
	if (settings === undefined || contents === undefined) return spec;
	return {...spec, maps: {...spec.maps, [settingsSection]: {...settings, contents}}};
}

function check(spec: CollectionSpec, options: LoadCollectionOptions): void {
	for (const key of Object.keys(options)) {
		if (!knownOptions.has(key)) {
			throw new UsageError(`load object "${spec.name}": unknown option "${key}"`);
		}
	}

	for (const [name, purpose] of [
		...Object.keys(options.replaceMaps ?? {}).map(name => [name, 'replace'] as const),
		...Object.keys(options.migrate ?? {}).map(name => [name, 'migrate'] as const),
	]) {
		if (spec.maps[name] === undefined) {
			throw new UsageError(
				`load object "${spec.name}": it has no map "${name}" to ${purpose}`,
			);
		}
	}

	if ((spec.byteOrder === 'little') !== hostLittleEndian) {
		throw new UsageError(
			`load object "${spec.name}": it is ${spec.byteOrder}-endian, this machine is not`,
		);
	}
}

/** Programs that are functions of a struct whose map is made. */
function liveOperations(spec: CollectionSpec): Set<string> {
	const names = new Set<string>();
	for (const {structOps, autocreate} of Object.values(spec.maps)) {
		if (autocreate === false) continue;
		for (const program of structOps?.functions.values() ?? []) names.add(program);
	}

	return names;
}

function wantedPrograms(spec: CollectionSpec, options: LoadCollectionOptions): ProgramSpec[] {
	if (options.programs === undefined) {
		const operations = liveOperations(spec);
		return Object.values(spec.programs).filter(
			({type, autoload, name}) => autoload && (type !== 'struct_ops' || operations.has(name)),
		);
	}

	return options.programs.map(name => {
		const program = spec.programs[name];
		if (program !== undefined) return program;
		throw new UsageError(`load object "${spec.name}": it has no program "${name}"`);
	});
}

function dataSections(
	spec: CollectionSpec,
	maps: Readonly<Record<string, BpfMap>>,
): Map<string, DataSection> {
	const used = Object.values(spec.variables).map(variable => variable.map);
	const names = new Set([...used, settingsSection]);
	return new Map(
		[...names].flatMap(name => {
			const map = maps[name];
			return map === undefined ? [] : [[name, new DataSection(map)] as const];
		}),
	);
}

function variables(
	spec: CollectionSpec,
	sections: ReadonlyMap<string, DataSection>,
): Record<string, Variable> {
	const loaded = Object.create(null) as Record<string, Variable>;
	for (const variable of Object.values(spec.variables)) {
		const section = sections.get(variable.map);
		if (section !== undefined) {
			loaded[variable.name] = new Variable(variable, section, () => variable.codec);
		}
	}

	const section = sections.get(settingsSection);
	const {types} = spec;
	if (section === undefined || types === undefined) return loaded;
	for (const {form, name, offset, typeId} of Object.values(spec.externs)) {
		const type = types.type(typeId);
		if (form !== 'setting' || type.kind !== 'var') continue;
		const codec = () => createCodec(types, type.typeId);
		loaded[name] = new Variable({name, constant: true, offset}, section, codec);
	}

	return loaded;
}
