import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {makeTempFolder} from '../helpers/temp.js';
import {kernelTest} from '../helpers/kernel.js';
import test from 'ava';
import {addon} from './support.js';

const path = '/sys/kernel/btf/vmlinux';

kernelTest({feature: 'BTF files that can be mapped', since: '6.16'})(
	"the kernel's types are mapped as they are read",
	t => {
		const mapped = addon.mapTypes(path);
		if (typeof mapped === 'number') {
			throw Object.assign(new Error(`map types: ${mapped}`), {errno: 22});
		}

		t.is(Buffer.compare(new Uint8Array(mapped), readFileSync(path)), 0);
	},
);

test('only files of sysfs are mapped, and a refusal is an error number', async t => {
	const file = join(await makeTempFolder(t), 'types');
	writeFileSync(file, 'types');
	t.is(addon.mapTypes(file), -95);
	t.is(addon.mapTypes('/sys'), -95);
	t.is(addon.mapTypes('/sys/kernel/none'), -2);
	t.is(addon.mapTypes(''), -2);
});
