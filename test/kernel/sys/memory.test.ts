import test from 'ava';
import {MappedNumber, memoryMap, memoryRead, memoryWrite} from '../../../src/kernel/sys/memory.js';
import {kernelTest} from '../../helpers/kernel.js';
import {run} from '../../helpers/run.js';
import {addon, makeMap} from '../../native/support.js';

const kernel = kernelTest({feature: 'memory of array maps', since: '5.5'});

kernel('memory is read and written until it is closed', t => {
	const fd = makeMap(t, {type: 'array', key: 4, value: 8, entries: 1, flags: 1 << 10});
	const memory = new MappedNumber(memoryMap(fd, addon.pageSize(), true), 'memory of map "m"');
	t.true(memoryWrite(memory, 4, Uint8Array.of(1, 2)));
	const bytes = new Uint8Array(4);
	memoryRead(memory, 3, bytes);
	t.deepEqual(bytes, Uint8Array.of(0, 1, 2, 0));

	memory.close();

	t.true(memory.closed);
	t.throws(() => memoryRead(memory, 0, bytes), {
		code: 'ERR_USAGE',
		message: 'use memory of map "m": it is closed',
	});
});

const collected = test.macro({
	async exec(t, close: boolean, expected: RegExp) {
		const module = new URL('../../../src/kernel/sys/memory.js', import.meta.url).href;
		const script = `
			import {MappedNumber} from ${JSON.stringify(module)};
			let warned = 0;
			process.on('warning', ({name, code, message}) => {
				console.log(name, code, message);
				warned++;
			});
			(() => {
				const memory = new MappedNumber(900, 'memory of map "m"');
				${close ? 'memory.close();' : ''}
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
		`memory that was ${close ? '' : 'not '}closed is collected ${close ? 'in silence' : 'with a warning'}`,
});

kernel(collected, true, /^ended$/m);
kernel(
	collected,
	false,
	/^SkepWarning SKEP_LEAK memory of map "m" was garbage-collected without close\(\)$/m,
);
