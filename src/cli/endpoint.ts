/** `skep endpoint`: whom the datapath guards. */

import type {Command} from 'commander';

import {addAdd} from './endpoint/add.js';
import {addDelete} from './endpoint/delete.js';
import {addGet} from './endpoint/get.js';
import {addList} from './endpoint/list.js';

export function addEndpointVerbs(endpoint: Command): void {
	addList(endpoint);
	addGet(endpoint);
	addAdd(endpoint);
	addDelete(endpoint);
}
