import {join} from 'node:path';
import {makeBpffs} from '../helpers/bpffs.js';
import {skep} from '../helpers/cli.js';
import {fixtureObject} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'kfuncs of tasks', since: '6.2'});

kernel("object load takes settings in the place of the kernel's own", async t => {
	const folder = join(await makeBpffs(t), 'object');
	const file = await fixtureObject('kernel/externs');
	const load = async (...settings: string[]) =>
		skep('object', 'load', file, folder, ...settings.flatMap(each => ['--setting', each]));
	const wrong = await load('CONFIG_H=1');
	t.is(wrong.code, 2);
	t.regex(wrong.err, /it has no setting "CONFIG_H"; did you mean "CONFIG_HZ"\?/);
	t.regex((await load('CONFIG_HZ')).err, /^skep: read setting "CONFIG_HZ": expected NAME=VALUE/);
	t.regex((await load('CONFIG_HZ=fast')).err, /^skep: read setting "CONFIG_HZ": its value fast/);
	const {code, err} = await load('CONFIG_HZ=100', 'CONFIG_BPF_SYSCALL=n');
	t.is(err, '');
	t.is(code, 0);
});
