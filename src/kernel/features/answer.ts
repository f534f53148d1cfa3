/** What a probe says of a feature: the kernel has it, has it not, or would not tell. */

import {constants} from 'node:os';

import {ENOTSUPP, errnoName, errnoText} from '../../uapi/errno.js';
import {explainPermission} from '../host/permission.js';

/** `reason` says why a probe could not tell, or why there is nothing to be found. */
export interface Answer {
	readonly support: 'yes' | 'no' | 'unknown';
	readonly reason?: string;
}

export const yes: Answer = {support: 'yes'};
export const no: Answer = {support: 'no'};

export function unknown(reason: string): Answer {
	return {support: 'unknown', reason};
}

const {EINVAL, E2BIG, ENOSYS, EOPNOTSUPP, EPERM} = constants.errno;

/** How kernels refuse what they do not know. */
const refusals: readonly number[] = [EINVAL, E2BIG, ENOSYS, EOPNOTSUPP, ENOTSUPP];

/**
 * The answer that lies in what a call returned, a number or `-errno`. `known` are errors that only
 * a kernel gives that knows the feature: a descriptor that is none, a device that does not exist.
 */
export function answerOf(result: number, known: readonly number[] = []): Answer {
	const errno = -result;
	if (errno <= 0 || known.includes(errno)) return yes;
	if (refusals.includes(errno)) return no;
	if (errno === EPERM) return unknown(explainPermission('bpf', 'net_admin', 'perfmon'));
	return unknown(`${errnoText(errno)} (${errnoName(errno)})`);
}
