const maxName = 256;

/** A name as it may stand in a message: nothing in BTF keeps line breaks out of it. */
export function printable(name: string): string {
	const short = name.length > maxName ? `${name.slice(0, maxName)}…` : name;
	return short.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
