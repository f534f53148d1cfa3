/** Prints the milliseconds that one side takes for its first load of an object with CO-RE. */

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {performance} from 'node:perf_hooks';

import {loadCollection, parseObject} from '../src/index.js';
import {build, floor} from './floor.js';

const [, , who] = process.argv;
const file = readFileSync(join(build, 'relocated.bpf.o'));
const start = performance.now();
if (who === 'c') floor.loadObject(file);
else loadCollection(parseObject(file, {name: 'relocated'})).close();
process.stdout.write(String(performance.now() - start));
