import {readFileSync} from 'node:fs';

/**
 * What the kernel calls these addresses: the first symbol that begins there. Addresses that it does
 * not name, or all of them where it hides its addresses (`kernel.kptr_restrict`), are left out.
 */
export function symbolNames(
	addresses: Iterable<bigint>,
	path = '/proc/kallsyms',
): Map<bigint, string> {
	const names = new Map<bigint, string>();
	const table = readTable(path);
	for (const address of new Set(addresses)) {
		if (address === 0n) continue;
		const digits = address.toString(16).padStart(16, '0');
		const at = table.indexOf(`\n${digits} `);
		const isFirst = table.subarray(0, 17).toString('latin1') === `${digits} `;
		if (at < 0 && !isFirst) continue;
		const start = isFirst ? 0 : at + 1;
		const end = table.indexOf('\n', start);
		const line = table.toString('latin1', start, end < 0 ? undefined : end);
		const [, name] = /^[0-9a-f]+ \S ([^\s[]+)/.exec(line) ?? [];
		if (name !== undefined) names.set(address, name);
	}

	return names;
}

function readTable(path: string): Buffer {
	try {
		return readFileSync(path);
	} catch {
		// A kernel without a table names nothing.
		return Buffer.alloc(0);
	}
}
