import type {Frame} from '../../kernel/sys/packet-socket.js';
import {packetDifference, bytesOf, packetOf, type PacketLike} from './packet-like.js';

/** A frame that is to arrive: just these bytes, or one that a function likes. */
export type ExpectedFrame = PacketLike | ((frame: Frame) => boolean);

/** How many frames are to arrive, or which, in any order; 0 or `[]` for none. */
export type ExpectedFrames = number | ExpectedFrame | readonly ExpectedFrame[];

/** What is to arrive at one interface. */
export class LiveExpectation {
	readonly name: string;
	private readonly wanted: readonly ExpectedFrame[] | number;

	constructor(name: string, wanted: ExpectedFrames) {
		this.name = name;
		this.wanted = typeof wanted === 'number' || isList(wanted) ? wanted : [wanted];
	}

	/** Everything is there; never true where nothing is to come, as it may still. */
	isFulfilled(frames: readonly Frame[] = []): boolean {
		if (this.isNone) return false;
		if (typeof this.wanted === 'number') return frames.length >= this.wanted;
		return this.match(frames).missing.length === 0;
	}

	/** What is missing, and where nothing is to come, what came. */
	failures(frames: readonly Frame[] = []): string[] {
		const {name, wanted} = this;
		if (this.isNone) {
			return frames.map(
				({bytes}) => `${name}: expected nothing, got ${String(packetOf(bytes))}`,
			);
		}

		if (typeof wanted === 'number') {
			return frames.length === wanted
				? []
				: [`${name}: expected ${wanted} frames, got ${frames.length}`];
		}

		const {missing, others} = this.match(frames);
		return missing.map(one => describeMissing(name, one, others));
	}

	private get isNone(): boolean {
		return this.wanted === 0 || (typeof this.wanted === 'object' && this.wanted.length === 0);
	}

	/** Each wanted frame takes one of those that came. */
	private match(frames: readonly Frame[]): {missing: ExpectedFrame[]; others: Frame[]} {
		const others = [...frames];
		const wanted = typeof this.wanted === 'number' ? [] : this.wanted;
		const missing = wanted.filter(one => {
			const at = others.findIndex(frame => isWanted(one, frame));
			if (at >= 0) others.splice(at, 1);
			return at < 0;
		});
		return {missing, others};
	}
}

function isList(
	wanted: ExpectedFrame | readonly ExpectedFrame[],
): wanted is readonly ExpectedFrame[] {
	return Array.isArray(wanted);
}

function isWanted(wanted: ExpectedFrame, frame: Frame): boolean {
	if (typeof wanted === 'function') return wanted(frame);
	return Buffer.compare(bytesOf(wanted), frame.bytes) === 0;
}

function describeMissing(name: string, missing: ExpectedFrame, others: readonly Frame[]): string {
	const got =
		others.length === 0
			? 'nothing else came'
			: `${others.length} other${others.length === 1 ? '' : 's'} came`;
	if (typeof missing === 'function') return `${name}: no frame that the function wants: ${got}`;
	const wanted = packetOf(missing);
	const text = `${name}: expected ${String(wanted)}: ${got}`;
	const [other, ...more] = others;
	if (other === undefined || more.length > 0) return text;
	return `${text}\n${(packetDifference(wanted, packetOf(other.bytes)) ?? '').replaceAll(/^/gm, '  ')}`;
}
