/** Lines of 16 bytes: offset, hexadecimal, printable characters. */
export function* hexdump(bytes: Uint8Array): Generator<string> {
	for (let at = 0; at < bytes.length; at += 16) {
		const line = [...bytes.subarray(at, at + 16)];
		const digits = line.map(byte => byte.toString(16).padStart(2, '0')).join(' ');
		const text = line.map(byte =>
			byte >= 32 && byte < 127 ? String.fromCodePoint(byte) : '.',
		);
		yield `${at.toString(16).padStart(4, '0')}  ${digits.padEnd(47)}  ${text.join('')}`;
	}
}
