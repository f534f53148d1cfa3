/**
 * Sets a load-time constant: the same object becomes a program that drops UDP to one port.
 *
 *     node dist/examples/patch-constant.js PORT
 *
 * Kernel 5.2. The verifier knows the value, and leaves out what it makes unreachable.
 */

import {loadCollection, readObject} from 'skep';

import {objectPath} from './objects.js';

const [port = '9'] = process.argv.slice(2);

const spec = await readObject(objectPath('xdp_count'));
for (const [what, variables] of [
	['as compiled', {}],
	[`dropping udp port ${port}`, {drop_udp_port: Number(port)}],
] as const) {
	using collection = loadCollection(spec, {variables});
	const program = collection.program('xdp_count');
	const constant = collection.variable('drop_udp_port').get();
	const {translatedSize, verifiedInstructions} = program.info();
	console.log(
		`${what}: drop_udp_port = ${String(constant)}, ${verifiedInstructions} instructions verified, ${translatedSize / 8} left`,
	);
}
