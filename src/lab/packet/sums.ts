import type {Placed} from './codec.js';
import {codecOf} from './codecs.js';
import {setWrong} from './fields.js';

/** Notes on each layer whose checksum is wrong what would be right. */
export function verifyChecksums(bytes: Uint8Array, stack: readonly Placed[]): void {
	for (const [i, {layer}] of stack.entries()) {
		const codec = codecOf(layer.layer).checksum;
		if (!codec || !('checksum' in layer)) continue;
		const right = codec.compute(bytes, stack, i);
		if (right === undefined || right === layer.checksum) continue;
		if (codec.isAbsent?.(layer.checksum, stack, i)) continue;
		setWrong(layer, 'checksum', right);
	}
}
