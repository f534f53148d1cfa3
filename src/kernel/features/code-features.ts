/** What the code of programs may do. */

import {
	add,
	atomic,
	call,
	callKfunc,
	callSubprogram,
	exit,
	jump,
	jumpFar,
	jumpIf,
	loadFunction,
	loadMapValue,
	mayGoto,
	mov,
	movSigned,
	sdiv,
	store,
	swap,
} from '../../format/asm/build.js';
import {programFlags} from '../../uapi/flags.js';
import {answerOf, no, unknown, yes, type Answer} from './answer.js';
import type {Feature} from './feature.js';
import {kernelTypeId} from './kernel-types.js';
import {tryProgram, withMap, withProgram, type Code, type TryProgram} from './try.js';

const done = [mov('r0', 0), exit()];

function loads(program: TryProgram): Answer {
	const {result, log} = tryProgram(program);
	// The verifier refuses what it does not know by EINVAL or EACCES, and says so.
	return result < 0 && log !== '' ? no : answerOf(result);
}

const code = (name: string, since: string, ...body: Code): Feature => ({
	name: `code:${name}`,
	group: 'code',
	since,
	probe: () => loads({type: 'socket_filter', code: body}),
});

const flag = (name: string, since: string, program: TryProgram): Feature => ({
	name: `code:${name}`,
	group: 'code',
	since,
	probe: () => loads(program),
});

/** Of the instruction set and the verifier, as `code:isa_v3` and `code:bounded_loops`. */
export function codeFeatures(): Feature[] {
	return [
		code('isa_v2', '4.14', mov('r0', 0), jumpIf('r0', '<', 1, 'out'), 'out', exit()),
		code('isa_v3', '5.1', mov('r0', 0), jumpIf('w0', '<', 1, 'out'), 'out', exit()),
		code(
			'isa_v4',
			'6.6',
			mov('r0', 8),
			movSigned('r0', 'r0', 8),
			sdiv('r0', 2),
			swap('bswap', 'r0', 16),
			jumpFar('out'),
			'out',
			...done,
		),
		code(
			'atomics',
			'5.12',
			mov('r1', 1),
			store('u64', 'r10', -8, 0),
			atomic('xchg', 'u64', 'r10', -8, 'r1'),
			...done,
		),
		code(
			'load_acquire',
			'6.15',
			store('u64', 'r10', -8, 0),
			atomic('load_acquire', 'u64', 'r10', -8, 'r1'),
			...done,
		),
		code('may_goto', '6.9', 'again', mayGoto('out'), jump('again'), 'out', ...done),
		code('large_programs', '5.2', ...Array.from({length: 4096}, () => mov('r0', 0)), exit()),
		code(
			'bounded_loops',
			'5.3',
			mov('r0', 10),
			'again',
			add('r0', -1),
			jumpIf('r0', '!=', 0, 'again'),
			exit(),
		),
		code('subprograms', '4.16', callSubprogram('f'), exit(), 'f', ...done),
		{name: 'code:callbacks', group: 'code', since: '5.13', probe: callbacks},
		{name: 'code:global_data', group: 'code', since: '5.2', probe: globalData},
		{name: 'code:kfuncs', group: 'code', since: '5.13', probe: kfuncs},
		flag('bpf_cookie', '5.15', {
			type: 'tracepoint',
			code: [call('get_attach_cookie'), exit()],
		}),
		flag('sleepable', '5.14', {type: 'syscall', flags: programFlags.sleepable}),
		flag('xdp_frags', '5.18', {type: 'xdp', flags: programFlags.xdp_has_frags}),
		flag('program_name', '4.15', {type: 'socket_filter', name: 'name'}),
	];
}

function globalData(): Answer {
	const result = withMap({type: 'array'}, fd =>
		withProgram({type: 'socket_filter', code: [loadMapValue('r1', fd, 0), ...done]}, () => 0),
	);
	return answerOf(result);
}

/** A loop whose body is a function; it takes types, or the subprogram's kind is not known. */
function callbacks(): Answer {
	const {result, log} = tryProgram({
		type: 'socket_filter',
		code: [
			mov('r1', 1),
			loadFunction('r2', 'f'),
			mov('r3', 0),
			mov('r4', 0),
			call('loop'),
			...done,
			'f',
			...done,
		],
	});
	if (result >= 0) return yes;
	return /missing btf func_info/i.test(log) ? yes : log === '' ? answerOf(result) : no;
}

/** A kernel that knows such calls knows the function, or says that it may not be called. */
function kfuncs(): Answer {
	const typeId = kernelTypeId('func', ['bpf_rcu_read_lock', 'tcp_slow_start']);
	if (typeId === undefined) return unknown('the kernel has no types to find a function in');
	const {result, log} = tryProgram({type: 'syscall', code: [callKfunc(typeId), ...done]});
	if (result >= 0) return yes;
	return /kernel function|kfunc|rcu_read/.test(log) ? yes : log === '' ? answerOf(result) : no;
}
