/** `skep sock`: sockets that have services' backends, and those that skip the stack. */

import type {Command} from 'commander';

import {addChoose} from './sock/choose.js';
import {addFlush} from './sock/flush.js';
import {addList} from './sock/list.js';

export function addSockVerbs(sock: Command): void {
	addList(sock);
	addFlush(sock);
	addChoose(sock);
}
