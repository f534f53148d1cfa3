// What a run of the tests left on the machine: `take FILE` writes down what is there before it,
// `compare FILE` exits 1 and names what came since then.
import {readFileSync, writeFileSync} from 'node:fs';
import {assertNoResidue, takeSnapshot} from '../dist/test/helpers/residue.js';

const [verb, file] = process.argv.slice(2);
if (verb === 'take') writeFileSync(file, JSON.stringify([...(await takeSnapshot())]));
else await assertNoResidue(new Set(JSON.parse(readFileSync(file, 'utf8'))));
