import {writeLines} from './print.js';
import {formatTable, type Row} from './table.js';

const sample = 1000;

/**
 * Prints rows of any number in constant memory: the first thousand decide the widths, later ones
 * may be wider.
 */
export function writeTable(rows: Iterable<Row>): void {
	writeLines(lines(rows));
}

function* lines(rows: Iterable<Row>): Generator<string> {
	const width = process.stdout.isTTY ? process.stdout.columns : undefined;
	let block: Row[] = [];
	let isFirst = true;
	for (const row of rows) {
		block.push(row);
		if (block.length < sample) continue;
		yield* format(block, width, isFirst);
		isFirst = false;
		block = [];
	}

	yield* format(block, width, isFirst);
}

function format(block: readonly Row[], width: number | undefined, withHeader: boolean): string[] {
	const text = formatTable(block, width).split('\n').slice(0, -1);
	return withHeader ? text : text.slice(1);
}
