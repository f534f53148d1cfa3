/**
 * Sets a load-time constant: the same object becomes a program that drops UDP to one port.
 *
 *     node dist/examples/patch-constant.js PORT
 *
 * Kernel 5.2. The verifier knows the value, and leaves out what it makes unreachable.
 */

import {copyCollectionSpec, loadCollection, readObject} from 'skep';

import {objectPath} from './objects.js';

const [port = '9'] = process.argv.slice(2);

const spec = await readObject(objectPath('xdp_count'));
const dropping = copyCollectionSpec(spec);
dropping.variables['drop_udp_port']?.set(Number(port));

for (const [what, each] of [
	['as compiled', spec],
	[`dropping udp port ${port}`, dropping],
] as const) {
	using collection = loadCollection(each);
	const program = collection.program('xdp_count');
	const constant = collection.variable('drop_udp_port').get();
	const {translatedSize, verifiedInstructions} = program.info();
	console.log(
		`${what}: drop_udp_port = ${String(constant)}, ${verifiedInstructions} instructions verified, ${translatedSize / 8} left`,
	);
}
