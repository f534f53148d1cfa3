/** `skep btf`: type information in the kernel and in object files; one file for each verb. */

import type {Command} from 'commander';

import {addDiff} from './btf/diff.js';
import {addDump} from './btf/dump.js';
import {addFind} from './btf/find.js';
import {addList} from './btf/list.js';
import {addShow} from './btf/show.js';

export function addBtfVerbs(btf: Command): void {
	addList(btf);
	addShow(btf);
	addDump(btf);
	addFind(btf);
	addDiff(btf);
}
