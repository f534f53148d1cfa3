/** `skep backend`: servers behind services. */

import type {Command} from 'commander';

import {addDrain} from './backend/drain.js';
import {addGet} from './backend/get.js';
import {addList} from './backend/list.js';
import {addSet} from './backend/set.js';

export function addBackendVerbs(backend: Command): void {
	addList(backend);
	addGet(backend);
	addDrain(backend);
	addSet(backend);
}
