/** `skep maglev`: look-up tables that all nodes agree on. */

import type {Command} from 'commander';

import {addDiff} from './maglev/diff.js';
import {addPick} from './maglev/pick.js';
import {addShare} from './maglev/share.js';
import {addShow} from './maglev/show.js';

export function addMaglevVerbs(maglev: Command): void {
	addShow(maglev);
	addShare(maglev);
	addDiff(maglev);
	addPick(maglev);
}
