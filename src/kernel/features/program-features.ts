/** Program types, and the helpers that programs of a type may call. */

import {call, exit} from '../../format/asm/build.js';
import {helpers, type Helper} from '../../uapi/helpers.js';
import {programTypes, programTypeSince, type ProgramType} from '../../uapi/program-types.js';
import type {AttachType} from '../../uapi/attach-types.js';
import {answerOf, no, unknown, yes, type Answer} from './answer.js';
import type {Feature} from './feature.js';
import {kernelTypeId} from './kernel-types.js';
import {tryProgram, type TryProgram} from './try.js';

/** Types whose programs are for one attach type each, and what is taken here. */
const attachTo: Partial<Record<ProgramType, AttachType>> = {
	cgroup_sock_addr: 'cgroup_inet4_connect',
	cgroup_sockopt: 'cgroup_getsockopt',
	lsm: 'lsm_mac',
	netfilter: 'netfilter',
	sk_lookup: 'sk_lookup',
	tracing: 'trace_raw_tp',
};

/** Types whose programs name a part of the kernel: one that is always there. */
const parts: Partial<Record<ProgramType, readonly ['func' | 'struct' | 'typedef', ...string[]]>> = {
	ext: ['func', 'bpf_fentry_test1', 'vfs_read'],
	lsm: ['func', 'bpf_lsm_file_open'],
	struct_ops: ['struct', 'tcp_congestion_ops'],
	tracing: ['typedef', 'btf_trace_sched_switch', 'btf_trace_sys_enter'],
};

const types = Object.keys(programTypes).filter(name => name !== 'unspec') as ProgramType[];

/** Program types, as `program:xdp`, and what tracing programs can be for, as `tracing/fentry`. */
export function programFeatures(): Feature[] {
	return [
		...types.map((type): Feature => ({
			name: `program:${type}`,
			group: 'program',
			since: programTypeSince(type),
			probe: () => programType(ofType(type)),
		})),
		tracing('fentry', '5.5', 'trace_fentry', ['bpf_fentry_test1', 'vfs_read']),
		tracing('fmod_ret', '5.7', 'modify_return', ['bpf_modify_return_test']),
		tracing('iter', '5.8', 'trace_iter', ['bpf_iter_task', 'bpf_iter_bpf_map']),
	];
}

function tracing(
	name: string,
	since: string,
	attach: AttachType,
	functions: readonly string[],
): Feature {
	return {
		name: `program:tracing/${name}`,
		group: 'program',
		since,
		probe() {
			const attachTypeId = kernelTypeId('func', functions) ?? 1;
			return programType({type: 'tracing', attach, attachTypeId});
		},
	};
}

/** Helpers by program type, as `helper:xdp/redirect_map`. */
export function helperFeatures(): Feature[] {
	return (
		types
			// What a replacement may call is for the program that it replaces to say.
			.filter(type => type !== 'ext')
			.flatMap(type =>
				Object.keys(helpers)
					.filter(helper => helper !== 'unspec')
					.map((helper): Feature => ({
						name: `helper:${type}/${helper}`,
						group: 'helper',
						since: undefined,
						probe: () => helperCall(type, helper as Helper),
					})),
			)
	);
}

function ofType(type: ProgramType): TryProgram {
	const attach = attachTo[type];
	const part = parts[type];
	if (part === undefined) return {type, ...(attach !== undefined && {attach})};
	const [kind, ...names] = part;
	// The verifier has something to say of any type that is none of these.
	return {type, attachTypeId: kernelTypeId(kind, names) ?? 1, ...(attach && {attach})};
}

function programType(program: TryProgram): Answer {
	const {result, log} = tryProgram(program);
	// Programs of types that the kernel does not know do not reach the verifier.
	return log === '' ? answerOf(result) : yes;
}

const refusal = /unknown func|cannot use helper|invalid func/;

function helperCall(type: ProgramType, helper: Helper): Answer {
	const {result, log} = tryProgram({...ofType(type), code: [call(helper), exit()]});
	if (refusal.test(log)) return no;
	if (log === '') return answerOf(result);
	// The verifier looks at calls after it has found what the program is for.
	return result >= 0 || /^\d+: \(85\)/m.test(log) ? yes : unknown(lastLine(log));
}

function lastLine(log: string): string {
	const lines = log.split('\n').filter(line => line !== '' && !line.startsWith('processed '));
	return lines.at(-1) ?? 'the verifier says nothing';
}
