/** Cells by column; columns come in the order of the first row, the least important last. */
export type Row = Readonly<Record<string, string | number | bigint>>;

const gap = '  ';

/** What any IPv4 end or prefix has room in; addresses of IPv6 may be longer. */
const roomy = 24;

/**
 * Columns under their names, numbers to the right. Where that is wider than `width`, the cells behind
 * a long text follow on the next line, and what is still too wide is cut.
 */
export function formatTable(rows: readonly Row[], width?: number): string {
	const [first] = rows;
	if (first === undefined) return '';
	const columns = Object.keys(first);
	const cells = rows.map(row => columns.map(column => clean(String(row[column] ?? '-'))));
	const isNumber = columns.map((_, i) => cells.every(row => /^(?:-|[\d.]+)$/.test(row[i] ?? '')));
	const header = columns.map(column => column.toUpperCase());
	const all = [header, ...cells];
	const widths = fit(all, isNumber, width);
	const lines = all.flatMap(row => linesOf(row, widths, isNumber));
	return `${lines.map(line => cut(line, width)).join('\n')}\n`;
}

/** Widths of columns: as the longest cell needs it, of long texts less where there is no room. */
function fit(
	rows: readonly (readonly string[])[],
	isNumber: readonly boolean[],
	width = Infinity,
): number[] {
	const longest = (i: number, limit: number): number =>
		rows.reduce((most, row) => {
			const size = row[i]?.length ?? 0;
			return size > limit ? most : Math.max(most, size);
		}, 0);
	const widths = isNumber.map((_, i) => longest(i, Infinity));
	const total = (): number => widths.reduce((sum, size) => sum + size + gap.length, -gap.length);
	const wide = [...widths.keys()]
		.filter(i => isNumber[i] !== true && (widths[i] ?? 0) > roomy)
		.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
	for (const i of wide) if (total() > width) widths[i] = longest(i, roomy);
	return widths;
}

/** A row: what is longer than its column is the last of its line. */
function linesOf(
	row: readonly string[],
	widths: readonly number[],
	isNumber: readonly boolean[],
): string[] {
	const lines = [''];
	let start = 0;
	for (const [i, size] of widths.entries()) {
		const last = lines.length - 1;
		const line = lines[last] ?? '';
		const cell = row[i] ?? '';
		const padded = isNumber[i] === true ? cell.padStart(size) : cell.padEnd(size);
		if (line.length > start) lines.push(' '.repeat(start) + padded + gap);
		else lines[last] = line.padEnd(start) + padded + gap;
		start += size + gap.length;
	}

	return lines.map(line => line.trimEnd());
}

function cut(line: string, width: number | undefined): string {
	return width === undefined || line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/** Names come from objects of any origin: nothing in them may steer a terminal. */
function clean(text: string): string {
	return /[^\x20-\x7e]/.test(text) ? text.replaceAll(/\p{Cc}/gu, '\ufffd') : text;
}
