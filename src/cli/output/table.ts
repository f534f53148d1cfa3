/** Cells by column; columns come in the order of the first row, the least important last. */
export type Row = Readonly<Record<string, string | number | bigint>>;

const gap = '  ';

/** Columns under their names, numbers to the right; cut to `width` where it is given. */
export function formatTable(rows: readonly Row[], width?: number): string {
	const [first] = rows;
	if (first === undefined) return '';
	const columns = Object.keys(first);
	const cells = rows.map(row => columns.map(column => clean(String(row[column] ?? '-'))));
	const isNumber = columns.map((_, i) => cells.every(row => /^(?:-|[\d.]+)$/.test(row[i] ?? '')));
	const header = columns.map(column => column.toUpperCase());
	const all = [header, ...cells];
	const widths = columns.map((_, i) => Math.max(...all.map(row => (row[i] ?? '').length)));
	const lines = all.map(row => {
		const padded = row.map((cell, i) => {
			const size = widths[i] ?? 0;
			return isNumber[i] === true ? cell.padStart(size) : cell.padEnd(size);
		});
		return cut(padded.join(gap).trimEnd(), width);
	});
	return `${lines.join('\n')}\n`;
}

function cut(line: string, width: number | undefined): string {
	return width === undefined || line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/** Names come from objects of any origin: nothing in them may steer a terminal. */
function clean(text: string): string {
	return /[^\x20-\x7e]/.test(text) ? text.replaceAll(/\p{Cc}/gu, '\ufffd') : text;
}
