/**
 * Prints a pinned map, whoever pinned it, decoded through its BTF.
 *
 *     node dist/examples/dump-pinned-map.js PATH
 *
 * Kernel 4.18 for types; a map without types prints as bytes.
 */

import {openPinnedMap} from 'skep';

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: dump-pinned-map.js PATH');

using map = openPinnedMap(path);
const {type, name, maxEntries} = map.info;
console.log(`map "${name}": ${type}, at most ${maxEntries} entries`);

const entries = map.entries();
for (const [key, value] of entries) console.log(key, '=>', value);
if (!entries.complete) console.log('the map changed faster than it could be read');
