import {getDevice, setXdp, type XdpMode} from '../../kernel/netlink/device.js';
import {NetlinkError} from '../../kernel/netlink/netlink-error.js';
import type {LinkInfo} from '../../kernel/sys/link-info.js';
import type {Program} from '../program/program.js';
import {HookAttachment, KeptNamespace} from './hook-attachment.js';
import {LinkError} from './link-error.js';
import type {InterfaceTarget} from './target.js';
import {xdpDetail} from './xdp-refusal.js';

/** An XDP program that rtnetlink put there: it stays until someone takes it away. */
export class XdpNetlinkAttachment extends HookAttachment {
	readonly mechanism = 'netlink';
	private readonly target: InterfaceTarget;
	private readonly mode: XdpMode;
	private readonly netns: KeptNamespace;

	/** Use `attachXdp`. */
	constructor(program: Program, target: InterfaceTarget, mode: XdpMode) {
		super(`xdp of "${target.name}"`, program);
		this.target = target;
		this.mode = mode;
		this.netns = new KeptNamespace(target.netns);
	}

	override info(): LinkInfo {
		const {ifindex} = this.target;
		const {xdp} = getDevice(ifindex, this.netns.fd);
		const programId = xdp.find(each => each.mode === this.mode)?.programId ?? 0;
		return {id: 0, type: 'unspec', programId, attachType: 'xdp', ifindex};
	}

	protected override replace(action: string, program: Program, expected: number): void {
		this.set(action, program.fd, expected);
	}

	protected override remove(action: string, expected: number): void {
		this.set(action, -1, expected);
	}

	protected override free(): void {
		this.netns.close();
	}

	private set(action: string, programFd: number, expected: number): void {
		const {ifindex} = this.target;
		setXdpProgram(action, {...this.target, netns: this.netns.fd}, this.mode, () => {
			setXdp({ifindex, mode: this.mode, netns: this.netns.fd, programFd, expected});
		});
	}
}

/** Makes a change; what rtnetlink refuses is put into words. *Throws:* `ERR_LINK`. */
export function setXdpProgram(
	action: string,
	target: InterfaceTarget,
	mode: XdpMode,
	change: () => void,
): void {
	try {
		change();
	} catch (cause) {
		if (!(cause instanceof NetlinkError)) throw cause;
		const {errno, explanation} = cause;
		const {detail, owner} = xdpDetail({errno, explanation, target, mode});
		throw new LinkError(action, detail ?? cause.message, {cause, errno, owner});
	}
}
