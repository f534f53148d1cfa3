import {closeSync} from 'node:fs';
import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import {netfilterFamilies, netfilterFlags, netfilterHooks} from '../../uapi/netfilter.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import type {Link} from './link.js';
import {openNamespace, type NamespaceOptions} from './target.js';

const {EBUSY, EINVAL, EAFNOSUPPORT, EOPNOTSUPP, ERANGE} = constants.errno;

/** Where in netfilter a program is attached. */
export interface AttachNetfilterOptions extends NamespaceOptions {
	readonly family: keyof typeof netfilterFamilies;
	readonly hook: keyof typeof netfilterHooks;
	/** Lower ones run first; conntrack has -200, filter tables 0. 0 unless given. */
	readonly priority?: number;
	/** Sees whole packets instead of their fragments; the priority must be above -400. */
	readonly defrag?: boolean;
}

/**
 * Attaches a program to a netfilter hook of a network namespace.
 *
 * *Kernel:* 6.4, `defrag` 6.6. *Throws:* `ERR_LINK`: `EBUSY` when a BPF program has this priority
 * on the hook already.
 */
export function attachNetfilter(program: Program, options: AttachNetfilterOptions): Link {
	const {family, hook: hookName, priority = 0, defrag = false} = options;
	const hook = `netfilter ${family} ${hookName} at priority ${priority}`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'netfilter');
	if (!Object.hasOwn(netfilterFamilies, family) || !Object.hasOwn(netfilterHooks, hookName)) {
		throw new UsageError(`${action}: there is no such family or hook`);
	}

	if (!Number.isInteger(priority) || priority < -(2 ** 31) || priority >= 2 ** 31) {
		throw new UsageError(`${action}: a priority is a whole number of 32 bits`);
	}

	const netns = options.netns === undefined ? undefined : openNamespace(action, options.netns);
	try {
		return createLink(program, {
			action,
			hook,
			feature: 'netfilter links',
			since: '6.4',
			attr: {
				target: 0,
				attachType: attachTypeNumber('netfilter'),
				flags: 0,
				netns,
				options: {
					kind: 'netfilter',
					family: netfilterFamilies[family],
					hook: netfilterHooks[hookName],
					priority,
					flags: defrag ? netfilterFlags.ip_defrag : 0,
				},
			},
			explain(errno) {
				switch (errno) {
					case EBUSY:
						return 'a BPF program has this priority there already; choose another';
					case ERANGE:
					case EINVAL:
						if (isReserved(priority)) return 'this priority is reserved';
						return defrag && priority <= -400
							? 'fragments are put together at priority -400: choose one above'
							: undefined;
					case EAFNOSUPPORT:
					case EOPNOTSUPP:
						return `the kernel has no netfilter hooks of ${family}`;
					default:
						return undefined;
				}
			},
		});
	} finally {
		if (netns !== undefined) closeSync(netns);
	}
}

/** The kernel keeps the first and last place for itself. */
function isReserved(priority: number): boolean {
	return priority === -(2 ** 31) || priority === 2 ** 31 - 1;
}
