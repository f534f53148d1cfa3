/** `skep map`: maps in the kernel, whoever made them; one file for each verb. */

import type {Command} from 'commander';

import {addCreate} from './map/create.js';
import {addDelete} from './map/delete.js';
import {addDump} from './map/dump.js';
import {addEvents} from './map/events.js';
import {addFreeze} from './map/freeze.js';
import {addGet} from './map/get.js';
import {addList} from './map/list.js';
import {openMap} from './map/open.js';
import {addQueueVerbs} from './map/queue.js';
import {addSet} from './map/set.js';
import {addShow} from './map/show.js';
import {addWatch} from './map/watch.js';
import {addPinVerb} from './pin-verb.js';

export function addMapVerbs(map: Command): void {
	addList(map);
	addShow(map);
	addDump(map);
	addGet(map);
	addSet(map);
	addDelete(map);
	addWatch(map);
	addEvents(map);
	addQueueVerbs(map);
	addFreeze(map);
	addPinVerb(map, openMap);
	addCreate(map);
}
