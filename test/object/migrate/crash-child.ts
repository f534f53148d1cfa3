/** Upgrades an object as far as it is told, and waits to be killed there. */

import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {openPinnedLink} from '../../../src/object/link/link.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';

const [object = '', pinRoot = '', device = '', netns = '', point = ''] = process.argv.slice(2);
const kept: unknown[] = [];
const made = loadCollection(await readObject(object), {pinRoot, onMismatch: 'migrate'});
if (point === 'first') {
	const link = attachXdp(made.program('look'), device, {netns});
	link.pin(`${pinRoot}/link`);
	kept.push(link);
	made.map('map').set({id: 1}, {a: 1});
	made.map('map').set({id: 2}, {a: 2});
} else if (point !== 'loaded') {
	using link = openPinnedLink(`${pinRoot}/link`);
	link.update(made.program('look'));
	made.map('map').set({id: 2}, {a: 22n});
	made.map('map').set({id: 3}, {a: 33n});
}

if (point === 'committed') await made.commit();
process.send?.('ready');
kept.push(made);
setInterval(() => kept.length, 1000);
