import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {addon} from '../../../src/kernel/sys/addon.js';
import {Fd} from '../../../src/kernel/sys/fd.js';
import {btfBytes, btfInfo, mapInfo, programInfo} from '../../../src/kernel/sys/info.js';
import {interfaceIndex, interfaceName, interfaces} from '../../../src/kernel/sys/interfaces.js';
import {linkInfo} from '../../../src/kernel/sys/link-info.js';
import {linkDetach, linkUpdate, rawTracepointOpen} from '../../../src/kernel/sys/link.js';
import {mapCreate} from '../../../src/kernel/sys/map.js';
import {btfLoad, btfLoadAsync, objectFdById, objectIds} from '../../../src/kernel/sys/object.js';
import {errnoOf, SyscallError} from '../../../src/kernel/sys/syscall-error.js';
import {BtfBuilder} from '../../../src/format/btf/builder.js';
import {Btf} from '../../../src/format/btf/btf.js';
import {loadBtf} from '../../../src/object/btf/btf-object.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {connect, makeNamespace} from '../../helpers/netns.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'objects with ids', since: '5.4'});

const map = {
	type: 1,
	keySize: 4,
	valueSize: 8,
	maxEntries: 3,
	flags: 0,
	name: 'sys_test',
	extra: 0n,
};

kernel('a map tells what it was made with, by its id too', t => {
	const fd = mapCreate(map);
	t.teardown(() => addon.closeFd(fd));
	const info = mapInfo(fd);
	t.like(info, {type: 1, keySize: 4, valueSize: 8, maxEntries: 3, name: 'sys_test'});
	const again = objectFdById('map', info.id);
	t.teardown(() => addon.closeFd(again));
	t.is(mapInfo(again).id, info.id);
	t.true([...objectIds('map')].includes(info.id));
	t.is(addon.fdKind(fd), 'map');
});

kernel('a refused call is an error with its errno', t => {
	const error = t.throws(() => mapCreate({...map, keySize: 0}), {instanceOf: SyscallError});
	t.is(error.errno, 22);
	t.is(error.message, 'map_create: invalid argument (EINVAL)');
	t.is(errnoOf(new Error('outer', {cause: error})), 22);
	t.is(errnoOf(new Error('no cause')), undefined);
	t.throws(() => objectFdById('link', 0x7f_ff_ff_ff), {code: 'ERR_SYSCALL', message: /ENOENT/});
});

kernel('a program tells the same as bpftool does', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const program = collection.program('count_packets');
	const info = programInfo(program.fd);
	const shown = JSON.parse(await run('bpftool', '-j', 'prog', 'show', 'id', String(info.id))) as {
		tag: string;
		bytes_xlated: number;
		bytes_jited: number;
		btf_id: number;
	};
	t.is(info.tag, shown.tag);
	t.is(info.translatedSize, shown.bytes_xlated);
	t.is(info.jitedSize, shown.bytes_jited);
	t.is(info.btfId, shown.btf_id);
});

kernel('types that the builder made are taken by the kernel and given back', async t => {
	const builder = new BtfBuilder();
	const u32 = builder.add({
		kind: 'int',
		name: 'u32',
		size: 4,
		bits: 32,
		bitOffset: 0,
		signed: false,
		char: false,
		bool: false,
	});
	const members = [{name: 'a', typeId: u32, bitOffset: 0, bitfieldSize: 0}];
	builder.add({kind: 'struct', name: 'pair', size: 4, members});
	builder.add({
		kind: 'enum64',
		name: 'big',
		size: 8,
		signed: false,
		values: [{name: 'BIG', value: 1n << 40n}],
	});
	const bytes = builder.build();
	const fd = loadBtf(Btf.parse(bytes), 'built');
	t.teardown(() => {
		fd.close();
	});
	t.deepEqual(btfBytes(fd.number), bytes);
	t.false(btfInfo(fd.number).kernel);
	const {result} = await btfLoadAsync(bytes);
	t.true(result > 0);
	addon.closeFd(result);
	t.true(btfLoad(bytes.slice(0, 20)).result < 0);
	const broken = new BtfBuilder();
	broken.add({
		kind: 'struct',
		name: 'empty',
		size: 4,
		members: [{name: 'a', typeId: 1, bitOffset: 0, bitfieldSize: 0}],
	});
	const damaged = broken.build();
	t.throws(() => loadBtf({bytes: damaged}, 'broken'), {
		code: 'ERR_BTF_LOAD',
		message: /^load types of "broken": .+/,
	});
});

kernel('interfaces of another namespace are found by name and number', async t => {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, {name, index}] = await connect(left, right);
	const fd = openSync(right.path, 'r');
	t.teardown(() => {
		closeSync(fd);
	});
	t.is(interfaceIndex(name, fd), index);
	t.is(interfaceName(index, fd), name);
	t.true(interfaces(fd).some(each => each.name === name && each.ifindex === index));
	t.is(interfaceIndex('no-such'), undefined);
	t.is(interfaceName(999_999), undefined);
	t.is(interfaceIndex('lo'), 1);

	const {programs} = await loadFixture(t, 'kernel/globals');
	const program = programs['count_packets'];
	if (program === undefined) return t.fail();
	using link = attachXdp(program, name, {netns: right.path});
	t.like(linkInfo(link.fd), {type: 'xdp', ifindex: index, programId: program.info().id});
	linkUpdate(link.fd, program.fd);
	linkDetach(link.fd);
	t.is(linkInfo(link.fd).ifindex, 0);
});

kernel('a program of another type is no raw tracepoint', async t => {
	const {programs} = await loadFixture(t, 'kernel/globals');
	t.throws(() => rawTracepointOpen(programs['count_packets']?.fd ?? -1, 'sys_enter'), {
		code: 'ERR_SYSCALL',
	});
});

kernel('a descriptor is closed once, and its number is never used again', t => {
	const number = mapCreate(map);
	const fd = new Fd(number, 'map "x"');
	t.is(fd.number, number);
	fd.close();
	fd.close();
	t.true(fd.closed);
	t.throws(() => fd.number, {message: 'use map "x": it is closed'});
	t.is(addon.closeFd(number), -9);
});

kernel('a descriptor that was forgotten is warned about, not closed', t => {
	const module = (name: string) =>
		fileURLToPath(new URL(`../../../src/kernel/sys/${name}.js`, import.meta.url));
	const script = `
		const {Fd} = await import('${module('fd')}');
		const {mapCreate, mapDelete} = await import('${module('map')}');
		let number;
		(() => { number = new Fd(mapCreate(${JSON.stringify({...map, extra: 0}).replace('"extra":0', '"extra":0n')}), 'map "leaked"').number; })();
		const warned = new Promise(resolve => process.once('warning', resolve));
		setTimeout(() => gc(), 10);
		const warning = await warned;
		console.log(warning.code, warning.message, mapDelete(number, new Uint8Array(4)));
	`;
	const text = execFileSync(
		process.execPath,
		['--expose-gc', '--input-type=module', '-e', script],
		{
			stdio: ['ignore', 'pipe', 'ignore'],
		},
	).toString();
	t.is(text, 'SKEP_LEAK map "leaked" was garbage-collected without close() -2\n');
});
