import test from 'ava';
import fc from 'fast-check';
import {
	type Diagnostic,
	formatDiagnostic,
	parseDependencies,
	parseDiagnostics,
} from '../../src/toolchain/diagnostics.js';

const parses = test.macro({
	exec(t, text: string, ...expected: Diagnostic[]) {
		t.deepEqual(parseDiagnostics(text), expected);
	},
	title: title => `parses ${title}`,
});

test(
	'an error with its place, and no quoted source',
	parses,
	"x.bpf.c:12:5: error: use of undeclared identifier 'y'\n\treturn y;\n\t       ^\n1 error generated.\n",
	{
		severity: 'error',
		file: 'x.bpf.c',
		line: 12,
		column: 5,
		message: "use of undeclared identifier 'y'",
	},
);
test('a warning with its flag', parses, 'a b.c:1:2: warning: unused [-Wunused-variable]', {
	severity: 'warning',
	file: 'a b.c',
	line: 1,
	column: 2,
	message: 'unused',
	flag: '-Wunused-variable',
});
test('a fatal error as an error', parses, "x.c:1:10: fatal error: 'y.h' file not found", {
	severity: 'error',
	file: 'x.c',
	line: 1,
	column: 10,
	message: "'y.h' file not found",
});
test('a complaint of the driver', parses, "clang-14: error: no such file or directory: 'x.c'", {
	severity: 'error',
	message: "no such file or directory: 'x.c'",
});
test('a complaint of the backend', parses, 'error: x.c:5:0: in function f: too many args', {
	severity: 'error',
	message: 'x.c:5:0: in function f: too many args',
});
test('no complaint', parses, 'In file included from x.c:1:\n2 warnings generated.\n');

test('a diagnostic prints on one line', t => {
	const severity = 'error';
	t.is(formatDiagnostic({severity, file: 'x.c', line: 1, column: 2, message: 'm'}), 'x.c:1:2: m');
	t.is(formatDiagnostic({severity, file: 'x.c', line: 1, message: 'm'}), 'x.c:1: m');
	t.is(formatDiagnostic({severity, message: 'm'}), 'm');
});

test('any text is parsed without complaint of its own', t => {
	const part = fc.constantFrom(
		'error: ',
		':',
		'12',
		'x.c',
		'\n',
		'note: ',
		' [-W',
		']',
		'\\ ',
		'$$',
	);
	t.notThrows(() => {
		fc.assert(
			fc.property(fc.array(fc.oneof(part, fc.string()), {maxLength: 50}), parts => {
				parseDependencies(parts.join(''));
				return parseDiagnostics(parts.join('')).every(each => !each.message.includes('\n'));
			}),
		);
	});
});

const depends = test.macro({
	exec(t, rule: string, ...files: string[]) {
		t.deepEqual(parseDependencies(rule), files);
	},
	title: (_, rule) => `reads the dependencies in ${JSON.stringify(rule)}`,
});

test(depends, 'x.o: x.c y.h\n', 'x.c', 'y.h');
test(depends, 'x.o: x.c \\\n  /usr/include/y.h \\\n  z.h\n', 'x.c', '/usr/include/y.h', 'z.h');
test(depends, 'x.o: a\\ b.c c\\#d.h e$$f.h\n', 'a b.c', 'c#d.h', 'e$f.h');
test(depends, 'x.o:\n');
