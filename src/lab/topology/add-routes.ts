/** Routes of a network that is being built. */

import {constants} from 'node:os';

import {exchangeAll, type Change} from '../../kernel/netlink/exchange.js';
import {NetlinkError} from '../../kernel/netlink/netlink-error.js';
import {addRoute, type Route} from '../../kernel/netlink/routes.js';

const {EEXIST, EHOSTUNREACH} = constants.errno;
/** Milliseconds: while many networks come and go, the kernel takes its time. */
export const patience = 30_000;
const clock = new Int32Array(new SharedArrayBuffer(4));

/** For a millisecond. */
export function waitABit(): void {
	Atomics.wait(clock, 0, 0, 1);
}

/**
 * Adds routes to a namespace. The kernel looks for a gateway without a lock (6.16): while it still adds
 * routes of its own, it may not find the one that leads there, and is asked again.
 *
 * *Throws:* `ERR_NETLINK`.
 */
export function addRoutes(routes: readonly Route[], netns: number): void {
	const changes = routes.map(addRoute);
	try {
		exchangeAll(changes, netns);
	} catch (error) {
		if (!(error instanceof NetlinkError) || error.errno !== EHOSTUNREACH) throw error;
		const failed = changes.findIndex(({what}) => what === error.request);
		for (const change of changes.slice(failed)) addPatiently(change, netns);
	}
}

function addPatiently(change: Change, netns: number): void {
	const start = performance.now();
	for (;;) {
		try {
			exchangeAll([change], netns);
			return;
		} catch (error) {
			if (!(error instanceof NetlinkError)) throw error;
			// Those behind one that is refused may have been made.
			if (error.errno === EEXIST) return;
			if (error.errno !== EHOSTUNREACH || performance.now() - start > patience) throw error;
		}

		waitABit();
	}
}
