import {closeSync, openSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import {connect, makeNamespace, type Interface, type Namespace} from './netns.js';

/** One end of a veth pair, and all that is needed to reach it and its peer. */
export interface Device extends Interface {
	/** The namespace that it is in. */
	readonly namespace: Namespace;
	/** The same as a descriptor. */
	readonly netns: number;
	/** The namespace of the other end. */
	readonly peer: Namespace;
	readonly peerEnd: Interface;
}

/** Makes a device in a namespace of its own; both go when the test ends. */
export async function makeDevice(t: ExecutionContext): Promise<Device> {
	const [peer, namespace] = [await makeNamespace(t), await makeNamespace(t)];
	const [peerEnd, end] = await connect(peer, namespace);
	const netns = openSync(namespace.path, 'r');
	t.teardown(() => {
		closeSync(netns);
	});
	return {...end, namespace, netns, peer, peerEnd};
}
