/** `skep object`: object files, from source to kernel; one file for each verb. */

import type {Command} from 'commander';

import {addBuild} from './object/build.js';
import {addGen} from './object/gen.js';
import {addInspect} from './object/inspect.js';
import {addLoad} from './object/load.js';
import {addVerify} from './object/verify.js';

export function addObjectVerbs(object: Command): void {
	addBuild(object);
	addInspect(object);
	addGen(object);
	addVerify(object);
	addLoad(object);
}
