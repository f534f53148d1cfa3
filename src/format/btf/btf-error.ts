import {EbpfError} from '../../base/errors.js';

/** Type information is damaged, or of a kind that this version does not know. */
export class BtfError extends EbpfError {
	static {
		this.prototype.name = 'BtfError';
	}

	readonly code = 'ERR_BTF';
	declare readonly typeId?: number;
	/** Bytes from the start of the BTF. */
	declare readonly offset?: number;

	constructor(detail: string, where: {typeId?: number; offset?: number; cause?: unknown} = {}) {
		const {typeId, offset, cause} = where;
		const place = typeId === undefined ? '' : ` type ${typeId}`;
		super(`read btf${place}: ${detail}`, cause === undefined ? {} : {cause});
		if (typeId !== undefined) this.typeId = typeId;
		if (offset !== undefined) this.offset = offset;
	}
}
