import {existsSync} from 'node:fs';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {makeCgroup} from '../helpers/cgroup.js';
import {makeDevice} from '../helpers/device.js';
import {kernelTest} from '../helpers/kernel.js';
import {run} from '../helpers/run.js';
import {makeTempFolder} from '../helpers/temp.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const kernel = kernelTest({feature: 'tcx links', since: '6.6'});

interface Packed {
	readonly filename: string;
	readonly files: readonly {
		readonly path: string;
		readonly size: number;
		readonly mode: number;
	}[];
}

interface Manifest {
	readonly version: string;
	readonly scripts: Readonly<Record<string, string>>;
	readonly dependencies: Readonly<Record<string, string>>;
	readonly bundleDependencies: readonly string[];
}

let packing: Promise<string> | undefined;

/** What the package would hold, of what is built: the addon for this machine at least. */
async function pack(...options: readonly string[]): Promise<Packed> {
	packing ??= run('bash', join(project, 'scripts/prebuild.sh'), '--host');
	await packing;
	const text = await run('npm', 'pack', project, '--json', '--ignore-scripts', ...options);
	const [packed] = Object.values(JSON.parse(text) as Record<string, Packed>);
	if (packed === undefined) throw new Error(`npm pack says ${text}`);
	return packed;
}

const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Manifest;

/** Folders by the kinds of file in them, and single files by name. */
const content = [
	/^dist\/src\/(?!cli\/)[\w/-]+\.(?:js|d\.ts)$/,
	/^dist\/cli\/(?:skep\.cjs|bundle\.cjs|bundle\.cjs\.map|(?:typescript-hooks|import-script)\.cjs|LICENSES\.txt)$/,
	/^dist\/report\/page\.(?:css|js)$/,
	/^dist\/bpf\/\w+\.bpf\.o$/,
	/^prebuilds\/linux-(?:x64|arm64)\/skep\.glibc\.node$/,
	/^native\/\w+\.(?:cc|h)$/,
	/^bpf\/(?:LICENSE|(?:include|lib|maps|types)\/\w+\.h|\w+\.bpf\.c)$/,
	/^node_modules\/yaml\//,
	/^(?:LICENSE|README\.md|ARCHITECTURE\.md|package\.json|binding\.gyp)$/,
];

test('the package holds what it should, and nothing else', async t => {
	const {files} = await pack('--dry-run');
	const paths = files.map(({path}) => path);
	t.deepEqual(
		paths.filter(path => !content.some(pattern => pattern.test(path))),
		[],
	);
	for (const pattern of content)
		t.true(
			paths.some(path => pattern.test(path)),
			String(pattern),
		);
	for (const path of ['dist/src/index.js', 'dist/src/index.d.ts', 'dist/bpf/xdp_count.bpf.o']) {
		t.true(paths.includes(path), path);
	}
	t.is(files.find(({path}) => path === 'dist/cli/skep.cjs')?.mode, 0o755);
});

test('what is installed needs nothing from elsewhere, and runs nothing', t => {
	t.deepEqual(Object.keys(manifest.dependencies), manifest.bundleDependencies);
	const runs = ['preinstall', 'install', 'postinstall', 'prepare'];
	t.deepEqual(
		runs.filter(name => name in manifest.scripts),
		[],
	);
});

test('prebuilt addons are for the processor that their folder names', async t => {
	await pack('--dry-run');
	const machines = {x64: 62, arm64: 183} as const;
	for (const [arch, machine] of Object.entries(machines)) {
		const path = join(project, `prebuilds/linux-${arch}/skep.glibc.node`);
		if (arch !== process.arch && !existsSync(path)) continue;
		const bytes = await readFile(path);
		t.is(bytes.readUInt16LE(18), machine);
		t.true(bytes.includes('napi_register_module_v1'));
	}
});

/** The demo's programs, each on its hook. */
const script = `
	import {attachCgroup, attachTcx, attachXdp, loadCollection, readObject} from 'skep';
	const [device, cgroup] = process.argv.slice(2);
	const load = async name => {
		const object = new URL(import.meta.resolve('skep/bpf/' + name + '.bpf.o'));
		return loadCollection(await readObject(object.pathname));
	};
	const hooks = {
		xdp_count: program => attachXdp(program, device, {mode: 'generic'}),
		tc_flows: program => attachTcx(program, device),
		sock_connections: program => attachCgroup(program, cgroup),
	};
	for (const [name, attach] of Object.entries(hooks)) {
		const collection = await load(name);
		for (const program of Object.values(collection.programs)) {
			const link = attach(program);
			console.log(name, program.info().type, link.info().type);
			link.close();
		}
		collection.close();
	}
`;

kernel('an empty folder installs it offline, and runs its programs', async t => {
	const folder = await makeTempFolder(t);
	const {filename} = await pack('--pack-destination', folder);
	const app = join(folder, 'app');
	await mkdir(app);
	await writeFile(join(app, 'package.json'), '{"private": true, "type": "module"}');
	await run(
		...['npm', 'install', '--offline', '--no-audit', '--no-fund', '--prefix', app],
		...(['--cache', join(folder, 'cache'), join(folder, filename)] as const),
	);
	t.false(existsSync(join(app, 'node_modules/skep/build')));

	const skep = join(app, 'node_modules/.bin/skep');
	t.is(await run(skep, '--version'), `${manifest.version}\n`);

	const required = `console.log(
		typeof require('skep').loadCollection,
		typeof require('skep/lab').lab,
		typeof require('skep/datapath').datapathUp,
	)`;
	await writeFile(join(app, 'old.cjs'), required);
	t.is(await run(process.execPath, join(app, 'old.cjs')), 'function function function\n');

	const device = await makeDevice(t);
	await writeFile(join(app, 'run.js'), script);
	const cgroup = await makeCgroup(t);
	t.deepEqual(
		// Unlike 'ip netns exec' this leaves the cgroups mounted.
		(
			await run(
				...['nsenter', `--net=${device.namespace.path}`, process.execPath],
				...([join(app, 'run.js'), device.name, cgroup.path] as const),
			)
		)
			.trimEnd()
			.split('\n'),
		[
			'xdp_count xdp xdp',
			'tc_flows sched_cls tcx',
			'tc_flows sched_cls tcx',
			'sock_connections sock_ops cgroup',
		],
	);

	const counted = join(app, 'node_modules/skep/dist/bpf/xdp_count.bpf.o');
	t.regex(await run(skep, 'object', 'verify', counted), /xdp_count/);
});

test('types are found by those who write TypeScript', async t => {
	const folder = await makeTempFolder(t);
	const {filename} = await pack('--pack-destination', folder);
	await run('tar', 'xzf', join(folder, filename), '-C', folder);
	const modules = join(folder, 'node_modules');
	await mkdir(modules);
	await run('mv', join(folder, 'package'), join(modules, 'skep'));
	await run('ln', '-s', join(project, 'node_modules/@types'), join(modules, '@types'));
	await writeFile(
		join(folder, 'user.mts'),
		`import {loadCollection, openPinnedMap, type BpfMap, type CollectionSpec} from 'skep';
		export const load = (spec: CollectionSpec): BpfMap<string, bigint> =>
			loadCollection(spec).map<string, bigint>('flows');
		export const map: BpfMap<number, bigint> = openPinnedMap<number, bigint>('/sys/fs/bpf/map');
		// @ts-expect-error: a path is no number
		openPinnedMap(1);
		`,
	);
	const compiler = join(project, 'node_modules/typescript/bin/tsc');
	const flags =
		'--ignoreConfig --noEmit --strict --types node --module nodenext --target es2022 --lib es2023,esnext.disposable';
	t.is(await run(process.execPath, compiler, ...flags.split(' '), join(folder, 'user.mts')), '');
});
