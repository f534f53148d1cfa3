import {writeFile} from 'node:fs/promises';
import {fileURLToPath, pathToFileURL} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import ts from 'typescript';
import type {CollectionSpec} from '../../src/spec/types.js';
import {readObject} from '../../src/spec/read.js';
import {checkGenerated, generateModule} from '../../src/toolchain/gen.js';
import {compile, fixtureObject} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});

const index = fileURLToPath(new URL('../../src/index.js', import.meta.url));
const project = fileURLToPath(new URL('../../..', import.meta.url));

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum colour { RED = 1, GREEN, BLUE = -1 };
typedef struct { int x, y; } point_t;
struct flow_key { __u32 saddr; __u16 port; __u8 proto : 4; __u8 rest : 4; __u8 pad; };
struct flow_value {
	__u64 packets;
	enum colour colour;
	point_t points[2];
	union { __u32 whole; __u8 bytes[4]; };
	_Bool seen;
	void *pointer;
	long long high : 40;
};
struct sample { __u32 pid; char comm[16]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, struct flow_key); __type(value, struct flow_value); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); } jumps SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __type(value, struct sample); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __uint(value_size, 3); } plain SEC(".maps");
const volatile enum colour favourite = GREEN;
const volatile __u64 limit = 7;
struct flow_value last;
point_t corners[2] = { { 1, 2 }, { 3, 4 } };
struct sample unused_elsewhere;
SEC("xdp") int count(struct xdp_md *ctx)
{
	struct flow_key key = { .port = 80 };
	struct flow_value value = { .packets = limit, .colour = favourite };
	bpf_map_update_elem(&flows, &key, &value, BPF_ANY);
	last.packets = limit;
	return corners[0].x + unused_elsewhere.pid;
}
char _license[] SEC("license") = "GPL";
`;

/** A value as TypeScript. */
function literal(value: unknown): string {
	if (typeof value === 'bigint') return `${value}n`;
	if (value instanceof Uint8Array) return 'new Uint8Array()';
	if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
	if (typeof value !== 'object' || value === null) return JSON.stringify(value);
	const fields = Object.entries(value).map(
		([name, each]) => `${JSON.stringify(name)}: ${literal(each)}`,
	);
	return `{${fields.join(', ')}}`;
}

/** What tsc says, with all that is strict, of these files. */
async function complaints(
	t: ExecutionContext,
	files: Readonly<Record<string, string>>,
): Promise<string[]> {
	const folder = await makeTempFolder(t);
	for (const [name, text] of Object.entries(files)) await writeFile(`${folder}/${name}`, text);
	const program = ts.createProgram(
		Object.keys(files).map(name => `${folder}/${name}`),
		{
			target: ts.ScriptTarget.ES2022,
			lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
			module: ts.ModuleKind.NodeNext,
			moduleResolution: ts.ModuleResolutionKind.NodeNext,
			strict: true,
			noUncheckedIndexedAccess: true,
			exactOptionalPropertyTypes: true,
			verbatimModuleSyntax: true,
			erasableSyntaxOnly: true,
			noUnusedLocals: true,
			skipLibCheck: true,
			noEmit: true,
			types: ['node'],
			typeRoots: [`${project}/node_modules/@types`],
		},
	);
	return ts.getPreEmitDiagnostics(program).map(({file, start = 0, messageText}) => {
		const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
		const text = ts.flattenDiagnosticMessageText(messageText, ' ');
		return `${file?.fileName.split('/').at(-1)}:${line + 1}: ${text}`;
	});
}

/** A module whose constants have the values that variables of the object start with. */
function valuesModule(spec: CollectionSpec, name: string): string {
	const values = Object.fromEntries(
		Object.values(spec.variables).map(each => [each.name, each.get()]),
	);
	return `import type {Values} from './${name}.mjs';\nexport const values: Values = ${literal(values)};\n`;
}

const uses = `
import {load, Colour, type FlowKey, type FlowValue} from './own.mjs';
const own = await load({values: {limit: 3n, favourite: 'RED'}});
const key: FlowKey = {saddr: 1, port: 80, proto: 1, rest: 0, pad: 0};
const value: FlowValue | undefined = own.maps.flows.get(key);
export const packets: bigint | undefined = value?.packets;
export const x: number | undefined = value?.points[0]?.x;
export const whole: number | undefined = value?.whole;
export const high: bigint | undefined = value?.high;
export const red: 1 = Colour.RED;
export const counts: bigint[] | undefined = own.maps.counts.get(0);
own.maps.jumps.set(0, own.programs.count);
export const corner: number | undefined = own.variables.corners.get()[0]?.y;
own.variables.last.set({...own.variables.last.get(), colour: 'GREEN'});
own.close();
// @ts-expect-error: no such field
value?.packet;
// @ts-expect-error: a key without a field
own.maps.flows.get({saddr: 1, port: 80});
// @ts-expect-error: a field too many
own.maps.flows.get({...key, dport: 1});
// @ts-expect-error: 64 bits are a bigint
own.variables.last.set({...own.variables.last.get(), packets: 1});
// @ts-expect-error: no such name of the enum
own.variables.last.set({...own.variables.last.get(), colour: 'PINK'});
// @ts-expect-error: no such map
own.maps.flow;
// @ts-expect-error: no such program
own.programs.counts;
// @ts-expect-error: no such variable
await load({values: {limits: 3n}});
// @ts-expect-error: a value of another type
await load({values: {limit: 3}});
`;

test('tsc takes what is generated, and a wrong name or type is an error', async t => {
	const files: Record<string, string> = {'uses.mts': uses};
	const objects = {
		own: await compile(source),
		...Object.fromEntries(
			await Promise.all(
				[
					'kernel/globals',
					'kernel/maps',
					'spec/maps',
					'spec/variables',
					'btf/values',
					'kernel/tc',
				].map(async name => [name.replace('/', '_'), await fixtureObject(name)] as const),
			),
		),
	};
	for (const [name, object] of Object.entries(objects)) {
		const spec = await readObject(object);
		files[`${name}.mts`] = generateModule(spec, {object, from: index});
		files[`${name}-values.mts`] = valuesModule(spec, name);
	}

	t.deepEqual(await complaints(t, files), []);
});

test('types that were asked for are written, and those that are none refused', async t => {
	const spec = await readObject(await compile(source));
	t.false(generateModule(spec).includes('XdpMd'));
	t.true(generateModule(spec, {types: ['xdp_md']}).includes('export interface XdpMd {'));
	t.throws(() => generateModule(spec, {types: ['nothing']}), {code: 'ERR_USAGE'});
	t.throws(() => generateModule(spec, {types: ['count']}), {code: 'ERR_USAGE'});
});

test('names that TypeScript has other uses for are written another way', async t => {
	const spec = await readObject(
		await compile(`
			struct Map { int a; }; struct flow_key { int class; }; enum FlowKey { ONE };
			struct Map x; struct flow_key y; enum FlowKey z; struct { int in; } w;
			int f(void) { return x.a + y.class + z + w.in; }
		`),
	);
	const text = generateModule(spec, {from: index});
	t.true(text.includes('export interface Map2 {'));
	t.true(text.includes('export interface FlowKey {'));
	t.true(text.includes('export type FlowKey2 ='));
	t.deepEqual(
		await complaints(t, {'odd.mts': text, 'values.mts': valuesModule(spec, 'odd')}),
		[],
	);
});

test('a module is refused by another object and by another version', async t => {
	const object = await compile(source);
	const spec = await readObject(object);
	const facts = /generated = (\{.*?\}) as const/s.exec(generateModule(spec))?.[1] ?? '';
	const generated = JSON.parse(facts) as {format: number; signature: string; types: string[]};
	t.notThrows(() => checkGenerated(spec, generated));
	const changed = await readObject(await compile(source.replaceAll('saddr', 'source')));
	t.throws(() => checkGenerated(changed, generated), {
		code: 'ERR_GENERATED',
		message: /has changed/,
	});
	t.throws(() => checkGenerated(spec, {...generated, format: 2}), {
		code: 'ERR_GENERATED',
		message: /format is 2/,
	});
	t.throws(() => checkGenerated(changed, {...generated, types: ['gone']}), {
		code: 'ERR_GENERATED',
	});
});

kernel('a generated module loads its object', async t => {
	const folder = await makeTempFolder(t);
	const object = await compile(source);
	const text = generateModule(await readObject(object), {
		object: pathToFileURL(object).href,
		from: index,
	});
	const {outputText} = ts.transpileModule(text, {
		compilerOptions: {target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext},
	});
	await writeFile(`${folder}/own.mjs`, outputText);
	const module = (await import(`${folder}/own.mjs`)) as {
		load(options: object): Promise<{
			maps: Record<string, {entries(): Iterable<[unknown, unknown]>}>;
			programs: Record<string, {run(): unknown}>;
			variables: Record<string, {get(): unknown}>;
			close(): void;
		}>;
	};
	const own = await module.load({values: {limit: 3n, favourite: 'RED'}});
	t.teardown(() => {
		own.close();
	});
	own.programs['count']?.run();
	const [[key, value] = []] = own.maps['flows']?.entries() ?? [];
	t.like(key, {saddr: 0, port: 80, proto: 0});
	t.like(value, {packets: 3n, colour: 'RED'});
	t.like(own.variables['last']?.get(), {packets: 3n});
});
