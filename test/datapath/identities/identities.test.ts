import {Worker} from 'node:worker_threads';

import {UsageError} from '../../../src/base/errors.js';
import {Identities} from '../../../src/datapath/identities/identities.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'hash maps', since: '4.10'});

kernel('labels have one number, whatever their order', async t => {
	const root = await makeBpffs(t);
	t.throws(() => Identities.open(root), {code: 'ERR_DATAPATH'});
	using identities = Identities.open(root, {write: true});
	const web = identities.allocate(['app=web', 'tier=front']);
	t.deepEqual(web, {id: 256, labels: ['app=web', 'tier=front'], scope: 'cluster'});
	t.deepEqual(identities.allocate(['tier=front', 'app=web', 'app=web']), web);
	t.is(identities.allocate(['app=db']).id, 257);
	t.like(identities.allocate(['cidr:10.0.0.0/8']), {id: 0x01_00_00_01, scope: 'local'});
	t.deepEqual(identities.get(1), {id: 1, labels: ['reserved:host'], scope: 'reserved'});
	t.is(identities.find(['reserved:world'])?.id, 2);
	t.is(identities.get(999), undefined);

	using again = Identities.open(root);
	t.deepEqual(again.find(['app=web', 'tier=front']), web);
	t.true(identities.release(256));
	t.false(identities.release(256));
	t.is(again.find(['app=web', 'tier=front']), undefined);
	t.is(again.allocate(['app=new']).id, 256);
});

kernel('labels that are none, or too many, are refused', async t => {
	const root = await makeBpffs(t);
	using identities = Identities.open(root, {write: true});
	t.throws(() => identities.allocate([]), {instanceOf: UsageError});
	t.throws(() => identities.allocate(['x'.repeat(1024)]), {instanceOf: UsageError});
	t.throws(() => identities.allocate(['a\0b']), {instanceOf: UsageError});
	t.throws(() => identities.allocate(['a\nb']), {instanceOf: UsageError});
});

kernel('numbers that are none stand for nobody', async t => {
	const root = await makeBpffs(t);
	using identities = Identities.open(root, {write: true});
	const {id} = identities.allocate(['app=web']);
	for (const none of [id + 2 ** 32, id + 0.5, -1, NaN]) {
		t.is(identities.get(none), undefined);
		t.false(identities.release(none));
	}

	t.deepEqual(identities.get(id)?.labels, ['app=web']);
});

kernel('threads that allocate at once never share a number', async t => {
	const root = await makeBpffs(t);
	Identities.open(root, {write: true}).close();
	const code = `
		import {parentPort, workerData} from 'node:worker_threads';
		const {Identities} = await import(workerData.module);
		const identities = Identities.open(workerData.root);
		const ids = Array.from({length: 50}, (_, i) => identities.allocate([workerData.name + i]).id);
		identities.close();
		parentPort.postMessage(ids);`;
	const module = new URL('../../../src/datapath/identities/identities.js', import.meta.url).href;
	const threads = ['a', 'b', 'c'].map(
		async name =>
			new Promise<number[]>((resolve, reject) => {
				new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
					workerData: {module, root, name},
				})
					.once('message', resolve)
					.once('error', reject);
			}),
	);
	const ids = (await Promise.all(threads)).flat();
	t.is(new Set(ids).size, 150);
});
