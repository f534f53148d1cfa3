import {hostLittleEndian, viewOf} from '../base/bytes.js';

/** An address as the programs hold it: network order in the machine's words. */
export function addressWords(address: Uint8Array): number[] {
	const view = viewOf(address);
	return Array.from({length: address.length / 4}, (_, i) =>
		view.getUint32(i * 4, hostLittleEndian),
	);
}
