import {kernelBtf} from '../../../src/kernel/host/kernel-btf.js';
import {moduleBtf, modulesWithBtf} from '../../../src/kernel/host/module-btf.js';
import {kernelTest} from '../../helpers/kernel.js';

const test = kernelTest({feature: 'BTF of modules', since: '5.11'});

test('the types of every module continue those of the kernel', t => {
	t.false(modulesWithBtf().includes('vmlinux'));
	for (const name of modulesWithBtf()) {
		const btf = moduleBtf(name);
		t.is(btf.base, kernelBtf());
		t.is(btf.firstId, kernelBtf().typeCount);
		t.is(btf.find('task_struct', 'struct')?.id, kernelBtf().find('task_struct', 'struct')?.id);
	}
});

test('a module that is not there is named', t => {
	t.throws(() => moduleBtf('skep_none'), {code: 'ERR_KERNEL_BTF', message: /skep_none/});
	t.throws(() => moduleBtf('../vmlinux'), {code: 'ERR_KERNEL_BTF'});
});
