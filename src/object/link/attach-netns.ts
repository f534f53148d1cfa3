import {closeSync, fstatSync} from 'node:fs';
import {constants} from 'node:os';

import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import type {Link} from './link.js';
import {listLinks} from './list-links.js';
import {describeOwner, findOwner} from './owner.js';
import {openNamespace, type NamespaceOptions} from './target.js';

const {E2BIG, EEXIST} = constants.errno;

/**
 * Attaches a program of type sk_lookup or flow_dissector to a network namespace, that of this
 * process unless given.
 *
 * *Kernel:* 5.8, sk_lookup from 5.9. *Throws:* `ERR_LINK`: `E2BIG` with `owner` when the namespace
 * has a flow dissector already, of which it takes one.
 */
export function attachNetns(program: Program, options: NamespaceOptions = {}): Link {
	const {netns = '/proc/self/ns/net'} = options;
	const where = typeof netns === 'number' ? `of process ${netns}` : `"${netns}"`;
	const hook = `network namespace ${where}`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'sk_lookup', 'flow_dissector');
	const type = program.type === 'sk_lookup' ? 'sk_lookup' : 'flow_dissector';
	const target = openNamespace(action, netns);
	try {
		const {ino} = fstatSync(target);
		return createLink(program, {
			action,
			hook: `${type} of ${hook}`,
			feature: `${type} links`,
			since: type === 'sk_lookup' ? '5.9' : '5.8',
			attr: {target, attachType: attachTypeNumber(type), flags: 0},
			explain(errno) {
				const isFull = errno === E2BIG && type === 'sk_lookup';
				if (isFull) return 'the namespace runs as many of them as it can';
				if (errno !== EEXIST && errno !== E2BIG) return undefined;
				const held = 'the namespace has a program there already';
				const link = [...listLinks()].find(
					each => each.netnsInode === ino && each.attachType === type,
				);
				if (link === undefined) return held;
				const owner = findOwner(link.programId, link.id);
				return {detail: `${held}: ${describeOwner(owner)}`, owner};
			},
		});
	} finally {
		closeSync(target);
	}
}
