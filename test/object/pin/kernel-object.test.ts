import {readdirSync} from 'node:fs';
import test from 'ava';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import type {KernelObject} from '../../../src/object/pin/kernel-object.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'cgroup links', since: '5.7'});

async function objects(t: Parameters<typeof makeCgroup>[0]): Promise<Record<string, KernelObject>> {
	const {path} = await makeCgroup(t);
	const collection = await loadFixture(t, 'kernel/cgroup');
	const link = attachCgroup(collection.program('connect4'), path);
	t.teardown(() => {
		link.close();
	});
	return {map: collection.map('hook_counts'), program: collection.program('bind4'), link};
}

const handled = test.macro({
	async exec(t, kind: string, name: RegExp) {
		const folder = await makeBpffs(t);
		const object = (await objects(t))[kind];
		if (object === undefined) return t.fail();
		object.pin(`${folder}/pin`);
		t.throws(
			() => {
				object.pin(`${folder}/pin`);
			},
			{code: 'ERR_PIN', message: name},
		);
		object.unpin(`${folder}/pin`);
		t.false(readdirSync(folder).includes('pin'));
		t.false(object.closed);
		object.close();
		object[Symbol.dispose]();
		t.true(object.closed);
		t.throws(() => object.fd, {code: 'ERR_USAGE', message: /: it is closed$/});
	},
	title: (_, kind: string) =>
		`a ${kind} is pinned once, unpinned, and closed as often as one likes`,
});

kernel(handled, 'map', /^pin map "hook_counts" to ".*": something is pinned there already$/);
kernel(handled, 'program', /^pin program "bind4" to ".*": something is pinned there already$/);
kernel(handled, 'link', /^pin link of cgroup_inet4_connect of ".*" to ".*": something is pinned/);
