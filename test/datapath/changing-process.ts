/** Changes a datapath as its arguments say, beside other processes; ends when it is done. */

import {once} from 'node:events';

import {
	Endpoints,
	Identities,
	openDatapathMaps,
	Policies,
	type Endpoint,
} from '../../src/datapath/index.js';
import {raiseIpcacheRevision, raisePolicyRevision} from '../../src/datapath/revisions.js';

/** What is done, so many times. */
export type Change = 'raise' | 'ingress' | 'egress' | 'add' | 'allocate';

const [root = '', change = '', count = '', own = '', netns = ''] = process.argv.slice(2);
using maps = openDatapathMaps({root, write: true});
const endpoints = new Endpoints(maps);
const policies = new Policies(maps);
using identities = Identities.open(root, {write: true});

const changes: Readonly<Record<Change, (i: number) => unknown>> = {
	raise: () => {
		raiseIpcacheRevision(maps);
		raisePolicyRevision(maps, 1);
	},
	ingress: async i => policies.setEnforcement(i + 1, {enforce: {ingress: true}}),
	egress: async i => policies.setEnforcement(i + 1, {enforce: {egress: true}}),
	add: (i): Endpoint =>
		endpoints.add({
			...{
				interface: `${own}${i}`,
				netns,
				mac: '02:00:00:00:00:01',
				identity: 300,
				attach: false,
			},
			ipv4: `10.${own.charCodeAt(0)}.0.${i + 1}`,
			ipv6: `fd00:${own.charCodeAt(0)}::${i + 1}`,
		}),
	allocate: i => identities.allocate([`k8s:app=${i}`]),
};

// Everybody begins at once.
process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.destroy();
for (let i = 0; i < Number(count); i++) await changes[change as Change](i);
