/** `skep affinity`: clients and the backends that are kept for them. */

import type {Command} from 'commander';

import {addFlush} from './affinity/flush.js';
import {addList} from './affinity/list.js';

export function addAffinityVerbs(affinity: Command): void {
	addList(affinity);
	addFlush(affinity);
}
