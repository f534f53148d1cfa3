/** Loads an object with one pinned map and says which map it got. */

import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';

const [object = '', pinRoot = ''] = process.argv.slice(2);
const spec = await readObject(object);
const map = spec.maps['an_array'];
if (map === undefined) throw new Error('the object has no array');
const maps = {an_array: {...map, pinning: 'by-name' as const}};
using collection = loadCollection({...spec, maps, programs: {}, variables: {}}, {pinRoot});
process.send?.(collection.map('an_array').info.id);
process.disconnect();
