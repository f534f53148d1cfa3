/** Does with few capabilities what most users of skep do, and prints what came of it. */

import {attachXdp, isBpffs, loadCollection, openPinnedMap, readObject} from '../../../src/index.js';

const [object = '', bpffs = '', device = ''] = process.argv.slice(2);

using collection = loadCollection(await readObject(object), {
	pinRoot: `${bpffs}/maps`,
	pinMaps: 'all',
});
const program = collection.program('count');
using link = attachXdp(program, device, {mode: 'generic'});
link.pin(`${bpffs}/link`);
using map = openPinnedMap(`${bpffs}/maps/packets`);
const entries = [...map.entries()].length;
const {returnValue} = program.run({data: new Uint8Array(64)});
link.unpin(`${bpffs}/link`);
console.log(
	JSON.stringify({
		attached: link.info().type,
		entries,
		pinned: isBpffs(`${bpffs}/maps/packets`),
		ran: returnValue,
	}),
);
collection.unpin();
