/** Puts a program into the form in which the kernel wants it. */

import {kernelVersionCode} from '../../kernel/host/kernel-version.js';
import {
	programLoadCall,
	type ProgramLoadAttr,
	type ProgramLoadCall,
} from '../../kernel/sys/program.js';
import type {FailedRelocation} from '../../format/log/failed-relocation.js';
import type {Candidates} from '../../spec/core-relo/candidates.js';
import {relocateProgram} from '../../spec/core-relo/relocate.js';
import {checkLoadable} from '../../spec/loadable.js';
import {kernelName} from '../../spec/names.js';
import type {ProgramSpec} from '../../spec/types.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import {programTypeNumber} from '../../uapi/program-types.js';
import {attachTarget, structOpsTarget, type AttachTarget, type AttachTo} from './attach-btf.js';
import {coreTarget, type TargetBtf} from './core-target.js';
import {encodeFunctions, encodeLines, fillReferences} from './encode.js';
import {applyExterns, type ExternResolver} from './externs.js';
import {ProgramError} from './program-error.js';

/** How a program is loaded. */
export interface LoadProgramOptions {
	/** The maps it refers to, by their names in the object. */
	readonly maps?: Readonly<Record<string, {readonly fd: number} | undefined>>;
	/** Names of maps that were switched off: a program may refer to them where it never comes. */
	readonly absentMaps?: ReadonlySet<string>;
	/** Descriptor of the object's BTF, where it is in the kernel already; `none`: no types. */
	readonly btfFd?: number | 'none' | undefined;
	/** Finds what it uses of the kernel; shared by programs that are loaded together. */
	readonly externs?: ExternResolver | undefined;
	/** The function of another program that it replaces (`freplace`) or traces. */
	readonly attachTo?: AttachTo | undefined;
	/** What CO-RE relocations are applied for; the running kernel and its modules unless given. */
	readonly targetBtf?: TargetBtf | undefined;
	/** The same, searched already; shared by programs that are loaded together. */
	readonly candidates?: Candidates;
	/**
	 * What the verifier writes on success: nothing (0, the default), every state (1), every
	 * instruction (2), statistics only (4, *Kernel:* 5.2). A refusal is always logged.
	 */
	readonly logLevel?: number;
}

/** A program that has only to be verified. */
export interface PreparedProgram extends Disposable {
	readonly spec: ProgramSpec;
	readonly attr: ProgramLoadAttr;
	/** `attr` in the form that the kernel takes. */
	readonly call: ProgramLoadCall;
	/** See `LoadProgramOptions`; `attr` asks for no log. */
	readonly logLevel: number;
	/** Relocations that nothing answered. */
	readonly failures: readonly FailedRelocation[];
}

/**
 * Does everything up to the call of the kernel. Programs of one object are all prepared before the
 * first is verified: the verifier leaves nothing else in the processor's caches, and what comes after
 * it takes many times as long.
 *
 * *Throws:* what `loadProgram` throws, except for what the verifier refuses.
 */
export function prepareProgram(spec: ProgramSpec, options: LoadProgramOptions): PreparedProgram {
	checkLoadable(spec);
	const candidates = options.candidates ?? coreTarget(options.targetBtf);
	const {instructions: relocated, failures} = relocateProgram(spec, candidates);
	const instructions = relocated === spec.instructions ? relocated.slice() : relocated;
	const target = attachTarget(spec, options.attachTo);
	try {
		const attr = loadAttr(spec, instructions, options, target);
		const {logLevel = 0} = options;
		const call = programLoadCall(attr);
		return {spec, attr, call, logLevel, failures, [Symbol.dispose]: () => target.close()};
	} catch (error) {
		target.close();
		throw error;
	}
}

/** Fills in what `instructions` leave open. */
function loadAttr(
	spec: ProgramSpec,
	instructions: Uint8Array,
	options: LoadProgramOptions,
	target: AttachTarget,
): ProgramLoadAttr {
	fillReferences(instructions, spec.references, map => fdOfMap(spec, map, options));
	const {externs} = options;
	const hasExterns = spec.externs.length > 0 && externs !== undefined;
	const btfFd = options.btfFd === 'none' ? undefined : options.btfFd;
	const typed = btfFd !== undefined;
	const structOps = spec.type === 'struct_ops' ? structOpsTarget(spec) : undefined;
	return {
		type: programTypeNumber(spec.type),
		instructions,
		descriptors: hasExterns ? applyExterns(instructions, spec, externs) : undefined,
		license: spec.license,
		name: kernelName(spec.name),
		flags: spec.flags,
		attachType: structOps?.member ?? attachTypeOf(spec),
		btfFd,
		functions: typed ? encodeFunctions(spec.functions) : undefined,
		lines: typed ? encodeLines(spec) : undefined,
		attachBtfId: structOps?.typeId ?? target.btfId,
		attachFd: target.fd ?? 0,
		kernelVersion: spec.type === 'kprobe' ? kernelVersionCode() : 0,
		logLevel: 0,
	};
}

function attachTypeOf({attachType}: ProgramSpec): number {
	return attachType === undefined ? 0 : attachTypeNumber(attachType);
}

function fdOfMap(
	spec: ProgramSpec,
	name: string,
	{maps = {}, absentMaps}: LoadProgramOptions,
): number | undefined {
	const map = Object.hasOwn(maps, name) ? maps[name] : undefined;
	if (map !== undefined) return map.fd;
	if (absentMaps?.has(name) === true) return undefined;
	throw new ProgramError('load', spec.name, `it uses map "${name}", which was not given`);
}
