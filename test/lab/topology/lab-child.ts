/** Makes a lab with a process in it, says its name, and ends as it is told. */

import {lab} from '../../../src/lab/index.js';

const [how = ''] = process.argv.slice(2);
const net = await lab({name: 'child', hosts: ['a', 'b'], links: [['a', 'b']]});
const child = net.hosts.a.spawn('sleep', ['1000']);
process.stdout.write(`${JSON.stringify({cgroup: net.hosts.a.cgroup, pid: child.pid})}\n`);
switch (how) {
	case 'throw':
		throw new Error('on purpose');
	case 'exit':
		process.exit(7);
		break;
	case 'handler':
		process.once('SIGINT', () => {
			process.exitCode = 3;
		});
		break;
	default:
}

setInterval(() => undefined, 1000).ref();
