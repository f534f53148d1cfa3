/** Makes a lab with all that a lab can have, says what, and ends as it is told. */

import {lab} from '../../../src/lab/index.js';
import {fillLab} from '../../helpers/lab-traces.js';

const [object = '', how = ''] = process.argv.slice(2);
const net = await lab({
	name: 'child',
	hosts: ['a', 'b'],
	routers: ['r'],
	bridges: ['br'],
	links: [
		['a', 'br'],
		['br', 'r'],
		['r', 'b'],
	],
	vxlans: [{between: ['a', 'b']}],
});
process.stdout.write(`${JSON.stringify(await fillLab(net, object))}\n`);
switch (how) {
	case 'throw':
		// On word from the test, which has to look first.
		process.stdin.once('data', () => {
			throw new Error('on purpose');
		});
		break;
	case 'exit':
		process.stdin.once('data', () => process.exit(7));
		break;
	case 'handler':
		process.once('SIGINT', () => {
			process.exitCode = 3;
		});
		break;
	default:
}

setInterval(() => undefined, 1000).ref();
