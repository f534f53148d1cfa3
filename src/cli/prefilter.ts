/** `skep prefilter`: sources whose frames are dropped before anything else looks at them. */

import type {Command} from 'commander';

import {addChanges} from './prefilter/change.js';
import {addList} from './prefilter/list.js';

export function addPrefilterVerbs(prefilter: Command): void {
	addList(prefilter);
	addChanges(prefilter);
}
