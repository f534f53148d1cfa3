import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, normalize, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import ts from 'typescript';

import {findCycle} from './helpers/find-cycle.js';
import {floors, neighbours} from './helpers/floors.js';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Source files that export code and that no test of their folder reaches, and why that is so. */
const testedElsewhere: Record<string, string> = Object.fromEntries(
	['interrupt', 'output/errors', 'output/example', 'output/stream-table', 'watch-list'].map(
		name => [`src/cli/${name}.ts`, 'test/cli runs the command line as a process of its own'],
	),
);

/** Verbs of the command line, a file each; tested as `testedElsewhere` says of their nouns. */
const verbs = /^src\/cli\/(?!output\/)[\w-]+\/[\w-]+\.ts$/;

const longest = 400;

interface Source {
	/** From the project's folder: `src/base/errors.ts`. */
	readonly path: string;
	readonly text: string;
	readonly tree: ts.SourceFile;
}

function read(folder: string): Source[] {
	return readdirSync(join(project, folder), {recursive: true, encoding: 'utf8'})
		.filter(name => name.endsWith('.ts'))
		.map(name => {
			const path = join(folder, name);
			const text = readFileSync(join(project, path), 'utf8');
			return {
				path,
				text,
				tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true),
			};
		});
}

const sources = read('src');
const everything = ['src', 'test', 'bench', 'conformance', 'examples'].flatMap(read);

interface Import {
	readonly specifier: string;
	/** Only types: nothing is left of it when the program runs. */
	readonly typeOnly: boolean;
}

/** What a file imports or exports from elsewhere, in whichever of the ways there are. */
function importsOf({tree}: Source): Import[] {
	const found: Import[] = [];
	const visit = (node: ts.Node): void => {
		if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
			const specifier = node.moduleSpecifier;
			if (specifier && ts.isStringLiteral(specifier))
				found.push({specifier: specifier.text, typeOnly: isTypeOnly(node)});
		} else if (ts.isImportTypeNode(node)) {
			if (ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
				found.push({specifier: node.argument.literal.text, typeOnly: true});
		} else if (
			ts.isCallExpression(node) &&
			node.expression.kind === ts.SyntaxKind.ImportKeyword
		) {
			const [specifier] = node.arguments;
			const text = specifier && ts.isStringLiteral(specifier) ? specifier.text : '?';
			found.push({specifier: text, typeOnly: false});
		}
		ts.forEachChild(node, visit);
	};
	visit(tree);
	return found;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
	if (ts.isExportDeclaration(node)) return node.isTypeOnly;
	return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** The project's file that a relative import means; undefined for packages. */
function targetOf(source: Source, specifier: string): string | undefined {
	if (!specifier.startsWith('.')) return undefined;
	return normalize(join(dirname(source.path), specifier.replace(/\.js$/, '.ts')));
}

/** `object/map` of `src/object/map/map.ts`; `index` of `src/index.ts`. */
function folderOf(path: string): string {
	const folder = relative('src', dirname(path));
	return folder === '' ? 'index' : folder;
}

const floorOf = (folder: string): string => folder.split('/', 1)[0] ?? folder;

function mayImport(from: string, to: string): boolean {
	if (from === to) return true;
	if (floorOf(from) !== floorOf(to)) return floors[floorOf(from)]?.includes(floorOf(to)) ?? false;
	return neighbours[from]?.includes(to) ?? false;
}

test('every folder of src is a floor', t => {
	const found = new Set(sources.map(({path}) => floorOf(folderOf(path))));

	t.deepEqual(
		[...found].filter(floor => !(floor in floors)),
		[],
	);
});

test('imports go down, and sideways only where the table says so', t => {
	const wrong = sources.flatMap(source =>
		importsOf(source)
			.map(({specifier}) => targetOf(source, specifier))
			.filter(target => target !== undefined)
			.filter(target => !mayImport(folderOf(source.path), folderOf(target)))
			.map(target => `${source.path} imports ${target}`),
	);

	t.deepEqual(wrong, []);
});

test('nothing in src reaches outside of it', t => {
	const outside = sources.flatMap(source =>
		importsOf(source)
			.map(({specifier}) => targetOf(source, specifier))
			.filter(target => target !== undefined && !target.startsWith('src/'))
			.map(target => `${source.path} imports ${target}`),
	);

	t.deepEqual(outside, []);
});

for (const part of ['lab', 'datapath']) {
	test(`the command line knows of the ${part} what its users know`, t => {
		const entry = `src/${part}/index.ts`;
		const inner = sources
			.filter(({path}) => path.startsWith('src/cli/'))
			.flatMap(source => importsOf(source).map(({specifier}) => targetOf(source, specifier)))
			.filter(target => target?.startsWith(`src/${part}/`) && target !== entry);

		t.deepEqual(inner, []);
	});
}

test('no file imports itself by way of others', t => {
	const graph = new Map<string, string[]>();
	for (const source of sources) {
		const targets = importsOf(source)
			.filter(({typeOnly}) => !typeOnly)
			.map(({specifier}) => targetOf(source, specifier))
			.filter(target => target !== undefined);
		graph.set(source.path, targets);
	}

	t.deepEqual(findCycle(graph), undefined);
});

test('a cycle is found', t => {
	const letters = {a: ['b', 'c'], b: [], c: ['d'], d: ['b', 'c']};
	const graph = new Map<string, string[]>(Object.entries(letters));
	t.deepEqual(findCycle(graph), ['c', 'd', 'c']);
});

test('only src/kernel/sys/addon.ts loads the addon', t => {
	const door = 'src/kernel/sys/addon.ts';
	const loads = /\.node['"`]|process\.dlopen|createRequire/;

	t.deepEqual(
		sources.filter(({path, text}) => path !== door && loads.test(text)).map(({path}) => path),
		[],
	);
});

test(`no file has more than ${longest} lines`, t => {
	const long = everything
		.map(({path, text}) => ({path, lines: text.split('\n').length - 1}))
		.filter(({lines}) => lines > longest);

	t.deepEqual(long, []);
});

const indexes = ['src/index.ts', 'src/lab/index.ts', 'src/datapath/index.ts'];

test('only the public entries export what other files made', t => {
	const barrels = sources
		.filter(({path}) => !indexes.includes(path))
		.filter(({tree}) =>
			tree.statements.some(node => ts.isExportDeclaration(node) && node.moduleSpecifier),
		);

	t.deepEqual(
		barrels.map(({path}) => path),
		[],
	);
});

for (const path of indexes) {
	test(`${path} only exports what other files made`, t => {
		const index = sources.find(source => source.path === path);

		t.true(index?.tree.statements.every(node => ts.isExportDeclaration(node)));
	});
}

test('nothing is exported as default', t => {
	const isDefault = (node: ts.Statement): boolean =>
		ts.isExportAssignment(node) ||
		(ts.canHaveModifiers(node) &&
			(ts.getModifiers(node)?.some(one => one.kind === ts.SyntaxKind.DefaultKeyword) ??
				false));

	t.deepEqual(
		everything.filter(({tree}) => tree.statements.some(isDefault)).map(({path}) => path),
		[],
	);
});

test('a comment that switches a check off says why', t => {
	const switchesOff = /(?:eslint-disable|@ts-expect-error|@ts-ignore|c8 ignore)[^\n]*/g;
	const unexplained = everything
		.filter(({path}) => path !== 'test/house.test.ts')
		.flatMap(({path, text}) =>
			(text.match(switchesOff) ?? [])
				.filter(comment => !/ -- \S|@ts-expect-error:? \w/.test(comment))
				.map(comment => `${path}: ${comment}`),
		);

	t.deepEqual(unexplained, []);
});

/** Does the file export a function, or a class, which has functions? */
function exportsCode({tree}: Source): boolean {
	return tree.statements.some(
		node =>
			(ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) &&
			(ts.getModifiers(node)?.some(one => one.kind === ts.SyntaxKind.ExportKeyword) ?? false),
	);
}

const tests = everything.filter(({path}) => path.endsWith('.test.ts'));

/** Where the public entries have each name from. */
const publicNames = new Map(
	sources
		.filter(({path}) => indexes.includes(path))
		.flatMap(index =>
			index.tree.statements
				.filter(node => ts.isExportDeclaration(node))
				.flatMap(node => {
					const from = node.moduleSpecifier;
					const names = node.exportClause;
					if (!from || !ts.isStringLiteral(from) || !names || !ts.isNamedExports(names))
						return [];
					const target = targetOf(index, from.text) ?? from.text;
					return names.elements.map(({name}) => [name.text, target] as const);
				}),
		),
);

/** What a test file is about: what it imports, by way of a public entry or not. */
function subjectsOf(source: Source): string[] {
	return source.tree.statements
		.filter(node => ts.isImportDeclaration(node))
		.flatMap(node => {
			const from = node.moduleSpecifier;
			const target = ts.isStringLiteral(from) ? targetOf(source, from.text) : undefined;
			if (target === undefined || !indexes.includes(target)) return target ?? [];
			const names = node.importClause?.namedBindings;
			if (!names || !ts.isNamedImports(names)) return [];
			return names.elements.flatMap(({name}) => publicNames.get(name.text) ?? []);
		});
}

/**
 * Files with a test at their mirrored path, files that a test imports, and whatever those use of
 * their own folder: a folder is one subject, and its inner files are tested through the outer.
 */
const tested = new Set<string>();
const reach = (path: string): void => {
	const source = sources.find(one => one.path === path);
	if (!source || tested.has(path)) return;
	tested.add(path);
	for (const {specifier} of importsOf(source)) {
		const target = targetOf(source, specifier);
		if (target !== undefined && folderOf(target) === folderOf(path)) reach(target);
	}
};
for (const one of tests) {
	reach(one.path.replace(/^test\//, 'src/').replace(/\.test\.ts$/, '.ts'));
	subjectsOf(one).forEach(reach);
}

test('every file that exports code is reached by a test of its folder', t => {
	const untested = sources
		.filter(source => exportsCode(source) && !tested.has(source.path))
		.map(({path}) => path)
		.filter(path => !(path in testedElsewhere) && !verbs.test(path));

	t.deepEqual(untested, []);
});

test('what is listed as tested elsewhere exists and needs to be listed', t => {
	const needed = (path: string): boolean => {
		const source = sources.find(one => one.path === path);
		return source !== undefined && exportsCode(source) && !tested.has(source.path);
	};

	t.deepEqual(
		Object.keys(testedElsewhere).filter(path => !needed(path)),
		[],
	);
});
