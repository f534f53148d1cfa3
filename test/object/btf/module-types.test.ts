import {readdirSync} from 'node:fs';
import {moduleTypes} from '../../../src/object/btf/module-types.js';
import {loadBtf} from '../../../src/object/btf/btf-object.js';
import {kernelTest} from '../../helpers/kernel.js';
import {Types} from '../../format/btf/types.js';

const kernel = kernelTest({feature: 'types of modules', since: '5.11'});

kernel('modules are those that the kernel lists, and no types of programs', t => {
	const own = loadBtf(new Types().parse(), 'test');
	t.teardown(() => {
		own.close();
	});
	const listed = readdirSync('/sys/kernel/btf').filter(name => name !== 'vmlinux');
	const found = [...moduleTypes()];
	for (const {fd} of found) fd.close();
	t.deepEqual(found.map(({name}) => name).sort(), listed.sort());
	for (const {btf} of found) t.not(btf.base, undefined);
});
