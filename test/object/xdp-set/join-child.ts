/** Joins an XDP program to those that share an interface, when told to. */

import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {joinXdp} from '../../../src/object/xdp-set/xdp-set.js';
import type {XdpTarget} from '../../../src/object/hook/attach.js';
import {readObject} from '../../../src/spec/read.js';

const [object = '', name = '', target = '', pin = ''] = process.argv.slice(2);
const spec = await readObject(object);
using collection = loadCollection(spec, {programs: []});
const member = spec.programs['member'];
if (member === undefined) throw new Error('the object has no member');
// All start at once.
await new Promise(resolve => {
	process.once('message', resolve);
	process.send?.('ready');
});
try {
	const shared = {spec: {...member, name}, maps: collection.maps};
	joinXdp(shared, JSON.parse(target) as XdpTarget, {pin}).link.close();
	process.send?.('joined');
} catch (error) {
	process.send?.(String(error));
}

process.disconnect();
