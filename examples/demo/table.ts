/** Prints rows as columns under their names, those of numbers to the right. */
export function printTable(
	rows: readonly Readonly<Record<string, string | number | bigint>>[],
): void {
	const columns = Object.keys(rows[0] ?? {});
	const texts = rows.map(row => columns.map(column => String(row[column] ?? '')));
	const widths = columns.map((column, i) =>
		Math.max(column.length, ...texts.map(text => text[i]?.length ?? 0)),
	);
	for (const line of [columns.map(column => column.toUpperCase()), ...texts]) {
		const cells = line.map((cell, i) =>
			/^\d+(\.\d+)?$/.test(texts[0]?.[i] ?? '')
				? cell.padStart(widths[i] ?? 0)
				: cell.padEnd(widths[i] ?? 0),
		);
		console.log(`  ${cells.join('  ').trimEnd()}`);
	}
}
