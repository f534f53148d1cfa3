/** The datapath's programs: which object has them, and where they run. */

import type {ObjectName} from './objects.js';

/** A kind of hook. */
export type HookKind = 'endpoint' | 'device' | 'xdp' | 'cgroup' | 'sockmap';

/** A program and its hook; the direction is that of tcx. */
export interface DatapathProgram {
	readonly name: string;
	readonly object: ObjectName;
	readonly hook: HookKind;
	readonly direction?: 'ingress' | 'egress';
}

const socketPrograms = [
	...['connect4', 'connect6', 'sendmsg4', 'sendmsg6', 'recvmsg4', 'recvmsg6'],
	...['getpeername4', 'getpeername6', 'post_bind4', 'post_bind6', 'sock_release'],
];

export const datapathPrograms: readonly DatapathProgram[] = [
	{name: 'from_endpoint', object: 'endpoint', hook: 'endpoint', direction: 'ingress'},
	{name: 'to_endpoint', object: 'endpoint', hook: 'endpoint', direction: 'egress'},
	{name: 'from_netdev', object: 'host', hook: 'device', direction: 'ingress'},
	{name: 'to_netdev', object: 'host', hook: 'device', direction: 'egress'},
	{name: 'xdp_netdev', object: 'xdp', hook: 'xdp'},
	{name: 'record_socket', object: 'sockops', hook: 'cgroup'},
	{name: 'redirect_message', object: 'sockops', hook: 'sockmap'},
	...socketPrograms.map(name => ({name, object: 'sock', hook: 'cgroup'}) as const),
];

/** Objects that every datapath has; others are there where they were asked for. */
export const usualObjects: readonly ObjectName[] = ['endpoint', 'host'];
