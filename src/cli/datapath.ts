/** `skep datapath`: the programs that guard a node's endpoints. */

import type {Command} from 'commander';

import {addDown} from './datapath/down.js';
import {addStatus} from './datapath/status.js';
import {addUp} from './datapath/up.js';

export function addDatapathVerbs(datapath: Command): void {
	addUp(datapath);
	addStatus(datapath);
	addDown(datapath);
}
