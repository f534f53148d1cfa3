import {EbpfError} from '../../base/errors.js';
import {errnoName, errnoText} from '../../uapi/errno.js';

/** The kernel refused an rtnetlink request. */
export class NetlinkError extends EbpfError {
	static {
		this.prototype.name = 'NetlinkError';
	}

	readonly code = 'ERR_NETLINK';
	declare readonly errno: number;
	/** What was asked for: `make veth "eth0"`. */
	readonly request: string;
	/** What the kernel, or the driver, said in words; empty when it said nothing. */
	readonly explanation: string;

	constructor(request: string, errno: number, explanation = '') {
		const words = `${errnoText(errno)} (${errnoName(errno)})`;
		super(
			`${request}: ${explanation === '' ? words : `${explanation} (${errnoName(errno)})`}`,
			{
				errno,
			},
		);
		this.request = request;
		this.explanation = explanation;
	}
}
