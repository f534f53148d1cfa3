import {fileURLToPath} from 'node:url';
import {kernelTest} from '../helpers/kernel.js';
import {run} from '../helpers/run.js';

const kernel = kernelTest({feature: 'test runs with a context', since: '5.15'});

async function runExample(name: string): Promise<string[]> {
	const path = fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
	return (await run(process.execPath, path)).trimEnd().split('\n');
}

kernel('lab-load-balancer tests its table and measures it', async t => {
	const lines = await runExample('lab-load-balancer');
	const [head = '', ...times] = lines.slice(5);
	t.true(
		lines.slice(0, 5).every(line => line.startsWith('ok: ')),
		lines.join('\n'),
	);
	t.regex(head, /^case +ns\/packet /);
	t.is(times.length, 5);
	t.true(times.every(line => /^[\w ]+? {2,}\d+ +\d+\.\.\d+ +\d+ +\d+ +1 +\w+$/.test(line)));
});

kernel('lab-handshake plays a handshake of both families', async t => {
	const lines = await runExample('lab-handshake');
	const played = [
		...['shot', 'ok, nothing -> SYN_SENT', 'ok, SYN_SENT -> SYN_RECEIVED'],
		...['ok, SYN_RECEIVED -> ESTABLISHED', 'ok, ESTABLISHED -> ESTABLISHED'],
		...['ok, ESTABLISHED -> nothing', 'shot'],
	];
	const told = lines.filter(line => /^ {4}\S/.test(line)).map(line => line.trim());
	t.deepEqual(told, [...played, ...played]);
	t.is(lines[0], 'IPv4:');
	t.regex(lines[1] ?? '', /^ {2}in: 198\.51\.100\.1:443 > 192\.0\.2\.1:40000 tcp SA/);
	t.regex(lines[16] ?? '', /^ {2}in: \[2001:db8:1::1\]:443 > \[2001:db8::1\]:40000 tcp SA/);
});
