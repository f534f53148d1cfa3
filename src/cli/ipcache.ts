/** `skep ipcache`: identities of addresses. */

import type {Command} from 'commander';

import {addDelete} from './ipcache/delete.js';
import {addGet} from './ipcache/get.js';
import {addList} from './ipcache/list.js';
import {addMatch} from './ipcache/match.js';
import {addUpsert} from './ipcache/upsert.js';

export function addIpcacheVerbs(ipcache: Command): void {
	addList(ipcache);
	addGet(ipcache);
	addMatch(ipcache);
	addUpsert(ipcache);
	addDelete(ipcache);
}
