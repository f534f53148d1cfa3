/** `skep lab`: networks of namespaces for experiments. */

import type {Command} from 'commander';

import {addClean} from './lab/clean.js';
import {addList} from './lab/list.js';
import {addRun} from './lab/run.js';
import {addShell} from './lab/shell.js';
import {addTest} from './lab/test.js';
import {example} from './output/example.js';

export function addLabVerbs(lab: Command): void {
	lab.addHelpText('after', example('skep lab list'));
	addRun(lab);
	addList(lab);
	addShell(lab);
	addClean(lab);
	addTest(lab);
}
