/** `skep nat`: what packets are translated to. */

import type {Command} from 'commander';

import {addFlush} from './nat/flush.js';
import {addList} from './nat/list.js';
import {addPurge} from './nat/purge.js';
import {addStats} from './nat/stats.js';

export function addNatVerbs(nat: Command): void {
	addList(nat);
	addStats(nat);
	addFlush(nat);
	addPurge(nat);
}
