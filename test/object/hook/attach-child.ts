/** Attaches a program as its predecessors' successor, and says how that went. */

import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {attach, type AttachTarget} from '../../../src/object/hook/attach.js';
import {readObject} from '../../../src/spec/read.js';

const [object = '', name = '', target = '', pin = ''] = process.argv.slice(2);
using collection = loadCollection(await readObject(object), {programs: [name]});
// All start at once.
await new Promise(resolve => {
	process.once('message', resolve);
	process.send?.('ready');
});
try {
	const {link, how} = attach(
		collection.program(name),
		JSON.parse(target) as AttachTarget,
		pin === '' ? {} : {pin},
	);
	process.send?.({how, link: link.info().id, program: collection.program(name).info().id});
	link.close();
} catch (error) {
	process.send?.({how: String(error)});
}

process.disconnect();
