import {once} from 'node:events';
import {Worker} from 'node:worker_threads';
import {setImmediate as immediate} from 'node:timers/promises';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {compile} from '../../helpers/compile.js';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import {listLinks} from '../../../src/object/link/list-links.js';
import {listBtf, listMaps, listPrograms} from '../../../src/object/list/list.js';
import {listPins} from '../../../src/object/pin/list-pins.js';
import {openBtfById} from '../../../src/object/btf/open-btf.js';
import {findHolders} from '../../../src/kernel/host/holders.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'links with ids', since: '5.8'});

kernel('what is loaded is in the lists, by ascending id', async t => {
	const {path} = await makeCgroup(t);
	const collection = await loadFixture(t, 'kernel/cgroup');
	const program = collection.program('getpeername4');
	const map = collection.map('hook_counts');
	using link = attachCgroup(program, path);

	const programs = [...listPrograms()];
	const listed = programs.find(({id}) => id === program.info().id);
	if (listed === undefined) return t.fail('it is not in the list');
	t.is(listed.name, 'getpeername4');
	t.is(listed.type, 'cgroup_sock_addr');
	t.deepEqual(listed.mapIds, [map.info.id]);
	t.deepEqual(
		programs.map(({id}) => id),
		programs.map(({id}) => id).sort((a, b) => a - b),
	);
	t.is([...listMaps()].find(({id}) => id === map.info.id)?.name, 'hook_counts');
	t.is([...listLinks()].find(({id}) => id === link.info().id)?.programId, listed.id);
	t.true([...listBtf()].some(({id, kernel}) => id === listed.btfId && !kernel));
	t.true([...listBtf()].some(({name, kernel}) => name === 'vmlinux' && kernel));
	t.is(openBtfById(listed.btfId).find('getpeername4', 'func')?.kind, 'func');
});

kernel('a name that the kernel cut off is told in full', async t => {
	const collection = await loadFixture(t, 'kernel/tc');
	const {id, name} = collection.program('ingress_three').info();
	t.is(name, 'ingress_three');
	t.is([...listPrograms()].find(each => each.id === id)?.name, 'ingress_three');
});

kernel('links that another thread is just attaching do not stop a list', async t => {
	const object = await compile(`
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("raw_tp/cgroup_rename") int renamed(void *ctx) { return 0; }
		char _license[] SEC("license") = "GPL";
	`);
	using collection = loadCollection(await readObject(object));
	const module = (path: string) => new URL(path, import.meta.url).href;
	const worker = new Worker(
		new URL(
			`data:text/javascript,${encodeURIComponent(`
				import {attachRawTracepoint} from '${module('../../../src/object/link/attach-raw-tracepoint.js')}';
				import {openProgramById} from '${module('../../../src/object/program/program.js')}';
				const program = openProgramById(${collection.program('renamed').info().id});
				for (let i = 0; i < 100; i++) attachRawTracepoint(program, 'cgroup_rename').close();
				program.close();
			`)}`,
		),
	);
	const ended = once(worker, 'exit');
	let lists = 0;
	// -1 once it has ended.
	while (worker.threadId !== -1) {
		t.notThrows(() => [...listLinks()]);
		lists++;
		await immediate();
	}

	t.deepEqual(await ended, [0]);
	t.log(`${lists} lists`);
});

kernel('this process is a holder of what it loaded', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const {id} = collection.program('count_packets').info();
	const holders = findHolders('prog').get(id) ?? [];
	t.true(holders.some(({pid}) => pid === process.pid));
	t.false((findHolders('map').get(0x7f_ff_ff_ff) ?? []).length > 0);
});

kernel('pins of every kind are found with what they hold', async t => {
	const bpffs = await makeBpffs(t);
	const {path} = await makeCgroup(t);
	const collection = await loadFixture(t, 'kernel/cgroup');
	const program = collection.program('connect4');
	using link = attachCgroup(program, path);
	program.pin(`${bpffs}/programs/connect4`);
	link.pin(`${bpffs}/links/connect4`);
	collection.map('hook_counts').pin(`${bpffs}/counts`);
	const sorted = [...listPins(bpffs)].sort((a, b) => a.path.localeCompare(b.path));
	t.deepEqual(sorted, [
		{path: `${bpffs}/counts`, kind: 'map', id: collection.map('hook_counts').info.id},
		{path: `${bpffs}/links/connect4`, kind: 'link', id: link.info().id},
		{path: `${bpffs}/programs/connect4`, kind: 'program', id: program.info().id},
	]);
	const everywhere = [...listPins()].filter(pin => pin.path.startsWith(bpffs));
	t.is(everywhere.length, 3);
	t.throws(() => [...listPins(`${bpffs}/none`)], {code: 'ERR_PIN'});
});

kernel('an id of no BTF object says so', t => {
	t.throws(() => openBtfById(0x7f_ff_ff_ff), {
		message: 'open btf 2147483647: there is no BTF object with this id',
	});
});
