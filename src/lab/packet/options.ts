/** Options that are one byte, or a type, a length and a value: those of IPv4 and of TCP. */

/** What both have. */
export type CommonOption =
	| {readonly kind: 'end'}
	| {readonly kind: 'nop'}
	/** What cannot be read, to the end. */
	| {readonly kind: 'malformed'; readonly bytes: Uint8Array};

/** Reads the option of a type, which stands whole at `at`. */
type ReadOption<T> = (
	type: number,
	bytes: Uint8Array,
	view: DataView,
	at: number,
	length: number,
) => T;

/** Reads options from `start` to `end`, without the padding that writing adds anyway. */
export function readOptions<T>(
	bytes: Uint8Array,
	view: DataView,
	start: number,
	end: number,
	readOption: ReadOption<T>,
): (T | CommonOption)[] {
	const options: (T | CommonOption)[] = [];
	for (let at = start; at < end;) {
		const type = view.getUint8(at);
		if (type === 0 && isPadding(bytes, at, end)) return options;
		if (type < 2) {
			options.push({kind: type === 0 ? 'end' : 'nop'});
			at += 1;
			continue;
		}

		const length = at + 1 < end ? view.getUint8(at + 1) : 0;
		if (length < 2 || at + length > end) {
			options.push({kind: 'malformed', bytes: bytes.subarray(at, end)});
			return options;
		}

		options.push(readOption(type, bytes, view, at, length));
		at += length;
	}

	return options;
}

function isPadding(bytes: Uint8Array, at: number, end: number): boolean {
	if (end - at > 3) return false;
	for (let i = at; i < end; i++) if (bytes[i] !== 0) return false;
	return true;
}
