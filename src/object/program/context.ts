/** Contexts of test runs as fields: `xdp_md`, `__sk_buff`, …, by the kernel's types. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {createCodec, type Codec} from '../../format/codec/codec.js';
import {kernelBtf} from '../../kernel/host/kernel-btf.js';
import {programArray, programInfo} from '../../kernel/sys/info.js';
import type {ProgramType} from '../../uapi/program-types.js';
import {openBtfById} from '../btf/open-btf.js';

/** Fields of a context; those that are left out are 0. */
export type ContextFields = Readonly<Record<string, unknown>>;

const structs: Partial<Record<ProgramType, string>> = {
	xdp: 'xdp_md',
	sched_cls: '__sk_buff',
	sched_act: '__sk_buff',
	socket_filter: '__sk_buff',
	cgroup_skb: '__sk_buff',
	lwt_in: '__sk_buff',
	lwt_out: '__sk_buff',
	lwt_xmit: '__sk_buff',
	lwt_seg6local: '__sk_buff',
	sk_lookup: 'bpf_sk_lookup',
};

interface Runnable {
	readonly name: string;
	readonly type: ProgramType;
	readonly fd: number;
}

/** A raw tracepoint has at most so many arguments, of 8 bytes each. */
const maxArguments = 12;

/**
 * The bytes of a context; `length` is that of the packet. *Throws:* `ERR_USAGE`, `ERR_CODEC` for
 * fields that the type has not.
 */
export function encodeContext(
	program: Runnable,
	fields: ContextFields,
	length: number,
): Uint8Array {
	if (program.type === 'raw_tracepoint' || program.type === 'raw_tracepoint_writable') {
		return encodeArguments(program, fields);
	}

	const codec = contextCodec(program);
	if (codec === undefined) {
		throw new UsageError(
			`run program "${program.name}": a context of type ${program.type} has no fields that are known; give its bytes`,
		);
	}

	const bytes = new Uint8Array(codec.size);
	const view = viewOf(bytes);
	const empty = codec.decode(view, 0) as ContextFields;
	// The kernel wants to be told where the packet ends.
	const own = program.type === 'xdp' ? {data_end: length} : {};
	codec.encode({...empty, ...own, ...fields}, view, 0);
	return bytes;
}

/** A context as fields; undefined where its type is not known. */
export function decodeContext(program: Runnable, bytes: Uint8Array): unknown {
	const codec = contextCodec(program);
	if (codec === undefined || bytes.length < codec.size) return undefined;
	return codec.decode(viewOf(bytes), 0);
}

function contextCodec(program: Runnable): Codec | undefined {
	if (program.type === 'syscall') return argumentCodec(program);
	const name = structs[program.type];
	if (name === undefined) return undefined;
	const btf = kernelBtf();
	const type = btf.find(name, 'struct');
	return type === undefined ? undefined : createCodec(btf, type.id, {name: 'context'});
}

/** Such a program says itself what its context is: a pointer to a struct. */
function argumentCodec({fd}: Runnable): Codec | undefined {
	const {btfId, functionCount} = programInfo(fd);
	const records = btfId === 0 || functionCount === 0 ? [] : programArray(fd, 'functions');
	if (!(records instanceof Uint8Array) || records.length < 8) return undefined;
	const btf = openBtfById(btfId);
	const entry = btf.type(viewOf(records).getUint32(4, hostLittleEndian));
	if (entry.kind !== 'func') return undefined;
	const proto = btf.type(entry.typeId);
	const parameter = proto.kind === 'func_proto' ? proto.parameters[0] : undefined;
	if (parameter === undefined) return undefined;
	const pointer = btf.resolve(parameter.typeId);
	if (pointer.kind !== 'ptr') return undefined;
	const struct = btf.resolve(pointer.typeId);
	return struct.kind === 'struct' ? createCodec(btf, struct.id, {name: 'context'}) : undefined;
}

function encodeArguments({name}: Runnable, {args, ...rest}: ContextFields): Uint8Array {
	const isList = Array.isArray(args) && args.length <= maxArguments;
	if (!isList || Object.keys(rest).length > 0) {
		throw new UsageError(
			`run program "${name}": a raw tracepoint has {args: [...]}, at most ${maxArguments}`,
		);
	}

	const bytes = new Uint8Array(args.length * 8);
	const view = viewOf(bytes);
	for (const [index, value] of (args as unknown[]).entries()) {
		const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
		if (!isWhole) {
			throw new UsageError(`run program "${name}": ${String(value)} is no whole number`);
		}

		view.setBigUint64(index * 8, BigInt(value as bigint | number), hostLittleEndian);
	}

	return bytes;
}
