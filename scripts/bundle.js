// Bundles the command line into dist/cli/: one script for everything it imports, which a process
// loads in a quarter of the time that the modules take, and a starter that keeps its compiled code.
// Beside it what makes JavaScript of TypeScript, and in dist/report/ what experiments' reports hold.

import {createHash} from 'node:crypto';
import {
	chmodSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {build} from 'esbuild';

const project = fileURLToPath(new URL('..', import.meta.url));
const output = join(project, 'dist/cli');
const reportOutput = join(project, 'dist/report');
const bundle = 'bundle.cjs';
const starter = 'skep.cjs';

/** Parts of node that take long to load, and that most commands do not need. */
const slow = /^node:(?:child_process|crypto|net|readline|worker_threads|zlib)$/;

/** Stands for a part of node, and loads it when something of it is used. */
const lazily = {
	name: 'lazily',
	setup({onResolve, onLoad}) {
		onResolve({filter: slow}, ({path, namespace}) =>
			namespace === 'lazily' ? {path, external: true} : {path, namespace: 'lazily'},
		);
		onLoad({filter: /./, namespace: 'lazily'}, async ({path}) => {
			const names = Object.keys(await import(path)).filter(name => name !== 'default');
			const getters = names.map(
				name => `get ${name}() { return require('${path}').${name}; }`,
			);
			return {contents: `module.exports = {${getters.join(',\n')}};`};
		});
	},
};

/** Stays a file of its own beside the bundle, loaded when it is used. */
const apart = {
	name: 'apart',
	setup({onResolve, onLoad}) {
		onResolve({filter: /\/import-script\.c?js$/}, ({namespace}) =>
			namespace === 'apart'
				? {path: './import-script.cjs', external: true}
				: {path: 'import-script', namespace: 'apart'},
		);
		onLoad({filter: /./, namespace: 'apart'}, () => ({
			contents: `module.exports = require('./import-script.cjs');`,
		}));
	},
};

const {outputFiles, metafile} = await build({
	absWorkingDir: project,
	entryPoints: ['src/cli/main.ts'],
	outfile: join(output, bundle),
	bundle: true,
	platform: 'node',
	target: 'node20.19',
	format: 'cjs',
	// Names stay: they are seen in errors.
	minifyWhitespace: true,
	minifySyntax: true,
	sourcemap: 'linked',
	sourcesContent: false,
	legalComments: 'none',
	define: {'import.meta.url': 'bundleUrl'},
	banner: {js: "const bundleUrl=require('node:url').pathToFileURL(__filename).href;"},
	plugins: [lazily, apart],
	metafile: true,
	write: false,
	logLevel: 'warning',
});

/** For `skep lab run`: hooks of node's module loader with the TypeScript compiler in them. */
const hooks = await build({
	absWorkingDir: project,
	entryPoints: ['src/cli/lab/typescript-hooks.ts', 'src/cli/lab/import-script.ts'],
	outdir: output,
	outExtension: {'.js': '.cjs'},
	bundle: true,
	platform: 'node',
	target: 'node20.19',
	format: 'cjs',
	minify: true,
	legalComments: 'none',
	metafile: true,
	write: false,
	logLevel: 'warning',
});

/** What a browser runs in the page of a report. */
const report = await build({
	absWorkingDir: project,
	entryPoints: ['report/page.ts', 'report/page.css'],
	outdir: reportOutput,
	bundle: true,
	platform: 'browser',
	target: 'es2022',
	format: 'iife',
	minify: true,
	charset: 'ascii',
	legalComments: 'none',
	// A report is a copy of the library: its licence goes with it.
	banner: {js: `/* ${licenceOf('node_modules/uplot')} */`},
	metafile: true,
	write: false,
	logLevel: 'warning',
});

const inputs = [metafile, hooks.metafile, report.metafile].flatMap(({inputs}) =>
	Object.keys(inputs),
);

/** The licences of the packages whose code is in the bundle. */
function licences() {
	const packages = new Set(
		inputs
			.map(path => /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
			.filter(path => path !== undefined),
	);
	return [...packages].sort().map(licenceOf);
}

/** A package's name, version and licence. */
function licenceOf(path) {
	const {name, version} = JSON.parse(readFileSync(join(project, path, 'package.json'), 'utf8'));
	const file = readdirSync(join(project, path)).find(each => /^licen[cs]e/i.test(each));
	if (file === undefined) throw new Error(`bundle: ${name} has no licence file`);
	return `${name} ${version}\n\n${readFileSync(join(project, path, file), 'utf8').trim()}\n`;
}

/** A file is there whole or not at all, also for a process that starts meanwhile. */
function write(path, contents, mode = 0o644) {
	const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
	mkdirSync(dirname(path), {recursive: true});
	writeFileSync(temporary, contents);
	// Whatever the umask is: the package is for everybody.
	chmodSync(temporary, mode);
	renameSync(temporary, path);
}

const code = outputFiles.find(({path}) => path.endsWith('.cjs'));
const buildId = createHash('sha256').update(code.contents).digest('hex').slice(0, 16);
const start = readFileSync(join(project, 'scripts/starter.cjs'), 'utf8');

rmSync(join(output, 'cache'), {recursive: true, force: true});
for (const {path, contents} of [outputFiles, hooks.outputFiles, report.outputFiles].flat()) {
	write(path, contents);
}

write(join(output, 'LICENSES.txt'), licences().join('\n---\n\n'));
write(join(output, starter), start.replace('BUILD_ID', buildId), 0o755);
