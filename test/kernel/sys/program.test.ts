import {kernelTest} from '../../helpers/kernel.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'loops in programs', since: '5.3'});

const module = (path: string) => new URL(`../../../src/${path}`, import.meta.url).href;

// Loads a program that takes the verifier a while until a child has sent its 50 signals, each of
// which interrupts one attempt at most.
const code = `
	import {spawn} from 'node:child_process';
	import {programLoad} from '${module('kernel/sys/program.js')}';
	import {addon} from '${module('kernel/sys/addon.js')}';
	import {assemble} from '${module('format/asm/assemble.js')}';
	import {add, exit, jumpIf, mov} from '${module('format/asm/build.js')}';

	let heard = 0;
	process.on('SIGUSR2', () => heard++);
	const send = 'for i in $(seq 50); do kill -USR2 ' + process.pid + '; done';
	const child = spawn('sh', ['-c', send]);
	let ended = false;
	child.on('exit', () => { ended = true; });
	const loop = ['again', add('r1', 1), jumpIf('r1', '<', 2000, 'again')];
	const instructions = assemble([mov('r0', 2), mov('r1', 0), ...loop, exit()]);
	const attr = {type: 6, instructions, license: 'GPL', name: '', flags: 0, attachType: 0};
	const results = new Set();
	while (!ended) {
		const {result} = programLoad({...attr, logLevel: 0});
		results.add(Math.sign(result));
		if (result > 0) addon.closeFd(result);
		await new Promise(resolve => setImmediate(resolve));
	}

	console.log(heard > 0, ...results);
`;

kernel('signals do not stop the verifier', async t => {
	t.is(await run(process.execPath, '--input-type=module', '--eval', code), 'true 1\n');
});
