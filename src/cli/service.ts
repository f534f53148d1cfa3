/** `skep service`: who answers on behalf of which address. */

import type {Command} from 'commander';

import {addAdd} from './service/add.js';
import {addApply} from './service/apply.js';
import {addDelete} from './service/delete.js';
import {addGet} from './service/get.js';
import {addList} from './service/list.js';

export function addServiceVerbs(service: Command): void {
	addList(service);
	addGet(service);
	addAdd(service);
	addDelete(service);
	addApply(service);
}
