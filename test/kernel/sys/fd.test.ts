import test from 'ava';
import {Fd} from '../../../src/kernel/sys/fd.js';
import {kernelTest} from '../../helpers/kernel.js';
import {run} from '../../helpers/run.js';
import {addon, makeMap, openMap} from '../../native/support.js';

const kernel = kernelTest({feature: 'maps', since: '5.15'});

kernel('a closed descriptor says so when it is used', t => {
	const fd = new Fd(openMap(), 'map "flows"');
	const {number} = fd;
	t.false(fd.closed);
	t.is(addon.fdKind(number), 'map');

	fd.close();

	t.true(fd.closed);
	t.is(addon.fdKind(number), null);
	t.throws(() => fd.number, {code: 'ERR_USAGE', message: 'use map "flows": it is closed'});
});

kernel('closing twice does not close who has the number now', t => {
	const fd = new Fd(openMap(), 'map');
	const {number} = fd;
	fd.close();
	const next = makeMap(t);
	t.is(next, number);

	fd.close();

	t.is(addon.fdKind(next), 'map');
});

const collected = test.macro({
	async exec(t, close: boolean, expected: RegExp) {
		const module = new URL('../../../src/kernel/sys/fd.js', import.meta.url).href;
		const script = `
			import {Fd} from ${JSON.stringify(module)};
			let warned = 0;
			process.on('warning', ({name, code, message}) => {
				console.log(name, code, message);
				warned++;
			});
			(() => {
				const fd = new Fd(900, 'map "flows"');
				${close ? 'fd.close();' : ''}
			})();
			for (let turn = 0; turn < 50 && warned === 0; turn++) {
				await new Promise(resolve => setImmediate(resolve));
				globalThis.gc();
			}
			console.log('ended');
		`;
		const args = ['--no-warnings', '--expose-gc', '--input-type=module', '--eval', script];

		t.regex(await run(process.execPath, ...args), expected);
	},
	title: (_, close) =>
		`a descriptor that was ${close ? '' : 'not '}closed is collected ${close ? 'in silence' : 'with a warning'}`,
});

kernel(
	collected,
	false,
	/^SkepWarning SKEP_LEAK map "flows" was garbage-collected without close\(\)\nended\n$/,
);
kernel(collected, true, /^ended\n$/);
