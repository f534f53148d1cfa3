/** `skep ct`: flows that the datapath follows. */

import type {Command} from 'commander';

import {addFlush} from './ct/flush.js';
import {addGc} from './ct/gc.js';
import {addGet} from './ct/get.js';
import {addList} from './ct/list.js';
import {addTop} from './ct/top.js';

export function addCtVerbs(ct: Command): void {
	addList(ct);
	addGet(ct);
	addTop(ct);
	addFlush(ct);
	addGc(ct);
}
