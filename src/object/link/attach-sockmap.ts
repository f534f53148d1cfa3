import {constants} from 'node:os';

import {EbpfError, UsageError} from '../../base/errors.js';
import {mapInfo} from '../../kernel/sys/info.js';
import type {LinkInfo} from '../../kernel/sys/link-info.js';
import {programAttach, programDetach, programQuery} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {mapTypeName} from '../../uapi/map-types.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import {HookAttachment} from './hook-attachment.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';
import {listLinks} from './list-links.js';
import {describeOwner, findOwner, type Owner} from './owner.js';

const {EBUSY, EEXIST, EINVAL} = constants.errno;

/** A map of sockets, by its descriptor. */
interface SocketMap {
	readonly fd: number;
	readonly name: string;
}

/** How a program is attached to a map of sockets. */
export interface AttachSockmapOptions {
	/** By a link, and by `BPF_PROG_ATTACH` where the kernel has none for maps, unless given. */
	readonly mechanism?: 'link' | 'prog_attach';
}

const attachTypes: ReadonlySet<AttachType | undefined> = new Set<AttachType>([
	'sk_msg_verdict',
	'sk_skb_stream_parser',
	'sk_skb_stream_verdict',
	'sk_skb_verdict',
]);

/**
 * Attaches a program (sk_msg, sk_skb parser or verdict) to a sockmap or sockhash; it then sees the
 * traffic of every socket that is put into the map.
 *
 * *Kernel:* 4.14; a link from 6.10 on. *Throws:* `ERR_LINK`: `EBUSY` with `owner` when the map has
 * a program of this kind already.
 */
export function attachSockmap(
	program: Program,
	map: SocketMap,
	options: AttachSockmapOptions = {},
): Link {
	const {attachType} = program;
	const hook = `${attachType ?? program.type} of map "${map.name}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'sk_msg', 'sk_skb');
	if (attachType === undefined || !attachTypes.has(attachType)) {
		throw new UsageError(
			`${action}: its section does not say what it does; name it "sk_skb/stream_parser", "sk_skb/stream_verdict" or "sk_skb/verdict"`,
		);
	}

	const {type, id: mapId} = mapInfo(map.fd);
	const typeName = mapTypeName(type);
	if (typeName !== 'sockmap' && typeName !== 'sockhash') {
		throw new LinkError(action, `the map is of type ${typeName}, not sockmap or sockhash`);
	}

	const at = {hook, mapFd: map.fd, mapId, attachType};
	// Both ways would put it in the place of one without a link, without a word.
	if (present(map.fd, attachType) !== undefined) {
		const {detail, owner} = held(at);
		throw new LinkError(action, detail, {errno: EBUSY, owner});
	}

	if (options.mechanism === 'prog_attach') return attachByCommand(action, program, at);
	try {
		return createLink(program, {
			action,
			hook,
			feature: 'links of maps',
			since: '6.10',
			attr: {target: map.fd, attachType: attachTypeNumber(attachType), flags: 0},
			explain: errno => (errno === EBUSY || errno === EEXIST ? held(at) : undefined),
		});
	} catch (error) {
		const refused = error instanceof EbpfError && error.errno === EINVAL;
		if (options.mechanism === 'link' || !refused) throw error;
		return attachByCommand(action, program, at);
	}
}

interface MapHook {
	readonly hook: string;
	readonly mapFd: number;
	readonly mapId: number;
	readonly attachType: AttachType;
}

function held({mapFd, mapId, attachType}: MapHook): {detail: string; owner?: Owner} {
	const detail = 'the map has a program there already';
	const link = [...listLinks()].find(
		each => each.mapId === mapId && each.attachType === attachType,
	);
	const programId = link?.programId ?? present(mapFd, attachType);
	if (programId === undefined) return {detail};
	const owner = findOwner(programId, link?.id);
	return {detail: `${detail}: ${describeOwner(owner)}`, owner};
}

/** The program on a map. *Kernel:* 5.18. */
function present(mapFd: number, attachType: AttachType): number | undefined {
	try {
		return programQuery(mapFd, attachTypeNumber(attachType)).programIds[0];
	} catch (error) {
		if (error instanceof SyscallError) return undefined;
		throw error;
	}
}

function attachByCommand(action: string, program: Program, at: MapHook): Link {
	call(action, () => {
		const attachType = attachTypeNumber(at.attachType);
		programAttach({target: at.mapFd, programFd: program.fd, attachType, flags: 0});
	});
	return new SockmapAttachment(program, at);
}

/** A program that `BPF_PROG_ATTACH` put on a map: it stays until detached, or the map goes. */
class SockmapAttachment extends HookAttachment {
	readonly mechanism = 'prog_attach';
	private readonly at: MapHook;

	constructor(program: Program, at: MapHook) {
		super(at.hook, program);
		this.at = at;
	}

	override info(): LinkInfo {
		const programId = present(this.at.mapFd, this.at.attachType) ?? 0;
		return {
			...{id: 0, type: 'unspec', mapId: this.at.mapId, attachType: this.at.attachType},
			programId: programId === this.programId ? programId : 0,
		};
	}

	protected override replace(action: string, program: Program): void {
		if (this.info().programId === 0) {
			throw new LinkError(action, 'another program than the expected one is attached');
		}

		call(action, () => {
			programAttach(this.call(program.fd));
		});
	}

	protected override remove(action: string, expected: number): void {
		call(action, () => {
			programDetach(this.call(expected));
		});
	}

	protected override free(): void {
		// The map is its owner's.
	}

	private call(programFd: number) {
		const {mapFd, attachType} = this.at;
		return {target: mapFd, programFd, attachType: attachTypeNumber(attachType), flags: 0};
	}
}

function call(action: string, work: () => void): void {
	try {
		work();
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		throw new LinkError(action, cause.message, {cause, errno: cause.errno});
	}
}
