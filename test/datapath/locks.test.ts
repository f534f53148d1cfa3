import {once} from 'node:events';
import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';

import {Endpoints, Identities, Ipcache, Policies} from '../../src/datapath/index.js';
import {locked, lockedSync} from '../../src/datapath/locks.js';
import {guardEndpoint} from '../helpers/guarded-endpoint.js';
import {kernelTest} from '../helpers/kernel.js';
import {makeNamespace} from '../helpers/netns.js';
import type {Change} from './changing-process.js';

const kernel = kernelTest({feature: 'rings in maps', since: '5.11'});
const script = fileURLToPath(new URL('changing-process.js', import.meta.url));

/** Runs a process for each change, all at once, to their ends. */
async function change(
	t: ExecutionContext,
	root: string,
	count: number,
	all: readonly (readonly [Change, ...own: string[]])[],
): Promise<void> {
	const children = all.map(([what, ...more]) => {
		const args = [script, root, what, String(count), ...more];
		const child = spawn(process.execPath, args, {stdio: ['pipe', 'pipe', 'inherit']});
		t.teardown(() => child.kill('SIGKILL'));
		return child;
	});
	await Promise.all(children.map(async child => once(child.stdout, 'data')));
	const ended = children.map(async child => once(child, 'exit'));
	for (const child of children) child.stdin.write('go\n');
	for (const [code] of await Promise.all(ended)) t.is(code, 0);
}

kernel('revisions count every change of every process', async t => {
	const {root, maps} = await guardEndpoint(t);
	const before = maps.require('endpointSettings').get(1)?.policy_revision ?? 0;
	await change(t, root, 300, [['raise'], ['raise'], ['raise']]);
	t.is(maps.require('runtimeConfig').get(128), 900n);
	t.is(maps.require('endpointSettings').get(1)?.policy_revision, before + 900);
});

kernel(
	'of two processes that change settings of one endpoint neither loses its change',
	async t => {
		const {root, maps} = await guardEndpoint(t);
		await change(t, root, 200, [['ingress'], ['egress'], ['raise']]);
		const policies = new Policies(maps).list();
		t.deepEqual(
			policies.filter(({enforcement: {ingress, egress}}) => !(ingress && egress)),
			[],
		);
		t.is(policies.length, 200);
	},
);

kernel('endpoints that processes add at once have an id each', async t => {
	const {root, maps} = await guardEndpoint(t);
	const {path, run} = await makeNamespace(t);
	for (let i = 0; i < 20; i++) {
		await run('ip', 'link', 'add', `a${i}`, 'type', 'veth', 'peer', 'name', `b${i}`);
	}

	const before = new Endpoints(maps).list().length;
	await change(t, root, 20, [
		['add', 'a', path],
		['add', 'b', path],
	]);
	const endpoints = new Endpoints(maps).list();
	t.is(endpoints.length, before + 40);
	t.true(endpoints.every(({addresses}) => addresses.length === 2));
	t.is([...new Ipcache(maps)].length, 80);
});

kernel('labels that processes ask for at once get one number', async t => {
	const {root} = await guardEndpoint(t);
	await change(t, root, 20, [['allocate'], ['allocate'], ['allocate']]);
	using identities = Identities.open(root);
	const given = identities.list().filter(({scope}) => scope === 'cluster');
	t.is(given.length, 20);
});

kernel('a lock ends when its work fails, and is waited for', async t => {
	const {root} = await guardEndpoint(t);
	const fail = (): never => {
		throw new RangeError('failed');
	};
	t.throws(() => lockedSync(root, 'one', fail), {instanceOf: RangeError});
	t.is(
		lockedSync(root, 'one', () => 1),
		1,
	);
	const order: string[] = [];
	let release = (): void => undefined;
	const first = locked(root, 'two', async () => {
		await new Promise<void>(resolve => (release = resolve));
		order.push('first');
		throw new RangeError('failed');
	});
	const second = locked(root, 'two', () => order.push('second'));
	await new Promise(setImmediate);
	release();
	await t.throwsAsync(first, {instanceOf: RangeError});
	await second;
	t.deepEqual(order, ['first', 'second']);
});
