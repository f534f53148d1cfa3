import test from 'ava';
import {cellText} from '../../../src/cli/output/print.js';
import {hexdump} from '../../../src/cli/output/hexdump.js';
import {formatTable} from '../../../src/cli/output/table.js';

test('numbers stand to the right, texts to the left', t => {
	const rows = [
		{name: 'a', count: 5},
		{name: 'longer', count: 1234n},
	];
	t.is(formatTable(rows), 'NAME    COUNT\na           5\nlonger   1234\n');
	t.is(formatTable([]), '');
});

test('a line that is too long for the terminal is cut', t => {
	const line = formatTable([{name: 'x'.repeat(100)}], 20).split('\n')[1] ?? '';
	t.is(line.length, 20);
	t.true(line.endsWith('…'));
});

const long = 'fd00:1234:5678:9abc:def0:1234:5678:9abc/128';

test('behind an address that is too long for the terminal the row goes on below', t => {
	const rows = [
		{prefix: '10.1.0.0/16', identity: 256, 'tunnel endpoint': '192.0.2.1', node: 'left'},
		{prefix: long, identity: 7, 'tunnel endpoint': long.slice(0, -4), node: 'right'},
		{prefix: 'fd00::/64', identity: 257, 'tunnel endpoint': '-', node: 'left'},
	];
	t.deepEqual(formatTable(rows, 80).split('\n'), [
		'PREFIX       IDENTITY  TUNNEL ENDPOINT                          NODE',
		'10.1.0.0/16       256  192.0.2.1                                left',
		long,
		'                    7  fd00:1234:5678:9abc:def0:1234:5678:9abc  right',
		'fd00::/64         257  -                                        left',
		'',
	]);
	t.deepEqual(formatTable(rows, 50).split('\n').slice(2, 5), [
		long,
		'                    7  fd00:1234:5678:9abc:def0:1…',
		'                                        right',
	]);
	t.is(formatTable(rows, 200), formatTable(rows));
	t.is(formatTable(rows).split('\n').length, 5);
});

test('names from objects cannot steer a terminal', t => {
	t.notRegex(formatTable([{name: '\u001b[2Jgone\u0007'}]), /\p{Cc}(?<!\n)/u);
});

test('a value becomes one line', t => {
	t.is(cellText(undefined), '-');
	t.is(cellText([]), '-');
	t.is(cellText([1, 2]), '1 2');
	t.is(cellText({a: 1n}), '{"a":1}');
});

test('a packet is shown in hexadecimal and as text', t => {
	t.deepEqual(
		[...hexdump(Buffer.from('ABCDEFGHIJKLMNOP\u0000z'))],
		[
			'0000  41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP',
			'0010  00 7a                                            .z',
		],
	);
});
