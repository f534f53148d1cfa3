import test from 'ava';
import {makeBpffs} from '../helpers/bpffs.js';
import {skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';

const kernel = kernelTest({feature: 'programs that walk maps', since: '5.14'});

kernel('map dump --consistency fast prints what the filter lets through', async t => {
	const path = `${await makeBpffs(t)}/array`;
	const collection = await loadFixture(t, 'kernel/flows');
	const map = collection.map('array');
	map.set(5, 50);
	map.set(6, 60);
	map.pin(path);
	const dump = async (...options: readonly string[]) =>
		skep('map', 'dump', path, '-o', 'json', ...options);
	const all = await dump('--consistency', 'fast');
	t.is(all.out, (await dump()).out);
	t.is(all.code, 0);
	const some = await dump('--consistency', 'fast', '--filter', 'value=1..', '--filter', 'key=6');
	t.is(some.out, '{"key":6,"value":60}\n');
});

const refused = test.macro({
	async exec(t, options: readonly string[], message: RegExp) {
		const path = `${await makeBpffs(t)}/array`;
		(await loadFixture(t, 'kernel/flows')).map('array').pin(path);
		const {code, err} = await skep('map', 'dump', path, ...options);
		t.is(code, 2);
		t.regex(err, message);
	},
	title: (_, options: readonly string[]) => `map dump ${options.join(' ')} is refused`,
});

kernel(refused, ['--consistency', 'quick'], /consistency "quick": expected locked or fast/);
kernel(refused, ['--filter', 'key=6'], /filter is for consistency 'fast'/);
kernel(refused, ['--consistency', 'fast', '--filter', 'key'], /filter "key": expected FIELD=/);
kernel(refused, ['--consistency', 'fast', '--filter', 'keys=1'], /there is no field "keys"/);
