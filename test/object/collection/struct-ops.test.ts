import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {StructOpsRegistration} from '../../../src/object/collection/struct-ops.js';
import {Link, openPinnedLink} from '../../../src/object/link/link.js';
import {MapError} from '../../../src/object/map/map-error.js';
import {structOpsValue} from '../../../src/object/map/struct-ops.js';
import {ProgramError} from '../../../src/object/program/program-error.js';
import {parseObject} from '../../../src/spec/read.js';
import type {CollectionSpec, MapSpec} from '../../../src/spec/types.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {object} from '../../spec/corpus.js';

// The names of the algorithms are the kernel's: one test at a time.
const kernel = kernelTest({feature: 'links of struct_ops', since: '6.4', serial: true});

async function read(): Promise<CollectionSpec> {
	return parseObject(await object('struct_ops', [], 'kernel'));
}

function available(): string[] {
	return readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8')
		.trim()
		.split(' ');
}

function load(t: ExecutionContext, spec: CollectionSpec) {
	const collection = loadCollection(spec);
	t.teardown(() => {
		collection.close();
	});
	return collection;
}

kernel('a struct is in use from attach to close, by its element', async t => {
	const {structOps, maps} = load(t, await read());
	t.deepEqual(Object.keys(structOps).sort(), ['linked', 'registered']);
	t.is(maps['optional'], undefined);
	t.false(available().includes('skep_plain'));
	const registration = structOps['registered']?.attach();
	t.true(registration instanceof StructOpsRegistration);
	t.true(available().includes('skep_plain'));
	t.throws(() => structOps['registered']?.attach(), {instanceOf: MapError});
	registration?.close();
	registration?.close();
	t.false(available().includes('skep_plain'));
});

kernel('a struct is in use from attach to close, by a link', async t => {
	const pin = join(await makeBpffs(t), 'link');
	const {structOps} = load(t, await read());
	const link = structOps['linked']?.attach();
	if (!(link instanceof Link)) throw new Error('no link');
	t.true(available().includes('skep_link'));
	link.pin(pin);
	link.close();
	t.true(available().includes('skep_link'));
	using pinned = openPinnedLink(pin);
	t.is(pinned.info().type, 'struct_ops');
	pinned.unpin(pin);
	pinned.close();
	t.false(available().includes('skep_link'));

	const again = structOps['linked']?.attach();
	t.true(available().includes('skep_link'));
	again?.close();
});

kernel('a name that is taken is refused', async t => {
	const [first, second] = [load(t, await read()), load(t, await read())];
	using held = first.structOps['registered']?.attach();
	t.true(held instanceof StructOpsRegistration);
	const error = t.throws(() => second.structOps['registered']?.attach(), {
		instanceOf: MapError,
	});
	t.regex(error.message, /^attach map "registered": /);
});

function asked(spec: CollectionSpec, change: Partial<MapSpec> = {}): CollectionSpec {
	const {optional} = spec.maps;
	if (optional === undefined) throw new Error('missing');
	return {...spec, maps: {optional: {...optional, autocreate: true, ...change}}};
}

kernel('a function that this kernel does not have is named', async t => {
	const spec = await read();
	t.throws(() => loadCollection(asked(spec)), {
		instanceOf: ProgramError,
		message: 'load program "of_no_kernel": the kernel has no tcp_congestion_ops.of_no_kernel',
	});
	const {optional} = spec.maps;
	if (optional === undefined) throw new Error('missing');
	t.throws(() => structOpsValue(optional, () => 3), {
		instanceOf: MapError,
		message: 'fill map "optional": tcp_congestion_ops.of_no_kernel is not there in this kernel',
	});
});

kernel('a struct that takes no programs is named', async t => {
	const spec = await read();
	const structOps = spec.maps['optional']?.structOps;
	if (structOps === undefined) throw new Error('missing');
	const other = asked(spec, {structOps: {...structOps, struct: 'task_struct'}});
	t.throws(() => loadCollection(other, {programs: []}), {
		instanceOf: MapError,
		message: 'create map "optional": this kernel lets no programs be functions of task_struct',
	});
});

kernel('a function that belongs to no struct is refused when it is asked for', async t => {
	const spec = await read();
	const {of_no_kernel: program} = spec.programs;
	if (program === undefined) throw new Error('missing');
	const programs = {of_no_kernel: {...program}};
	Reflect.deleteProperty(programs.of_no_kernel, 'structOps');
	t.throws(() => loadCollection({...spec, programs}, {programs: ['of_no_kernel']}), {
		instanceOf: ProgramError,
		message: 'load program "of_no_kernel": no struct of the object has it as a function',
	});
});
