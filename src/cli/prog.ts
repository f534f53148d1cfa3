/** `skep prog`: programs in the kernel; one file for each verb. */

import type {Command} from 'commander';

import {addDisasm} from './prog/disasm.js';
import {addDump} from './prog/dump.js';
import {addList} from './prog/list.js';
import {openProgram} from './prog/open.js';
import {addRun} from './prog/run.js';
import {addShow} from './prog/show.js';
import {addStats} from './prog/stats.js';
import {addPinVerb} from './pin-verb.js';

export function addProgVerbs(prog: Command): void {
	addList(prog);
	addShow(prog);
	addDump(prog);
	addDisasm(prog);
	addRun(prog);
	addStats(prog);
	addPinVerb(prog, openProgram);
}
