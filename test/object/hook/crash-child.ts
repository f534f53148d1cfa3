/** Attaches a program again and again, until it is killed. */

import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {attach, type AttachTarget} from '../../../src/object/hook/attach.js';
import {readObject} from '../../../src/spec/read.js';

const [object = '', name = '', target = '', pin = ''] = process.argv.slice(2);
const spec = await readObject(object);
const programs = Array.from({length: 2}, () =>
	loadCollection(spec, {programs: [name]}).program(name),
);
for (let i = 0; ; i++) {
	const program = programs[i % 2];
	if (program === undefined) break;
	attach(program, JSON.parse(target) as AttachTarget, {pin}).link.close();
	if (i === 3) process.stdout.write('attached\n');
}
