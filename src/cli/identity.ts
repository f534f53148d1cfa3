/** `skep identity`: what labels the numbers stand for that policies speak of. */

import type {Command} from 'commander';

import {addAllocate} from './identity/allocate.js';
import {addGet} from './identity/get.js';
import {addList} from './identity/list.js';
import {addRelease} from './identity/release.js';

export function addIdentityVerbs(identity: Command): void {
	addList(identity);
	addGet(identity);
	addAllocate(identity);
	addRelease(identity);
}
