import {readMetadata} from '../../../src/object/collection/metadata.js';
import {openProgramById} from '../../../src/object/program/program.js';
import {skep} from '../../helpers/cli.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'maps bound to programs', since: '5.10'});

kernel('what an object says of itself is read from its programs, and shown', async t => {
	const collection = await loadFixture(t, 'kernel/metadata');
	const {id} = collection.program('pass').info();
	using opened = openProgramById(id);
	t.deepEqual({...readMetadata(opened)}, {version: '1.2.3', level: 7});
	const {code, out} = await skep('prog', 'show', String(id), '-o', 'json');
	t.is(code, 0);
	t.like(JSON.parse(out), {metadata: {version: '1.2.3', level: 7}});
});

kernel('a program without such variables has none', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	t.deepEqual({...readMetadata(collection.program('count_packets'))}, {});
});
