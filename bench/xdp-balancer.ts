/** The datapath's XDP program on the packets of flows that it knows. */

import {datapathDown, datapathUp, openDatapathMaps, Services} from '../src/datapath/index.js';
import {openPinnedProgram} from '../src/index.js';
import {mountBpffs} from './bpffs.js';
import {below, type Goal} from './report.js';
import {frontend, type Subjects, type XdpPlace} from './xdp-subjects.js';

/** Services whose only backend is where frames come from: they are sent back as the node's. */
export async function datapathBalancer({outside, node}: XdpPlace): Promise<Subjects> {
	const bpffs = mountBpffs();
	const root = `${bpffs.path}/skep`;
	await datapathUp({
		root,
		netns: node.netns,
		nat: {ipv4: node.ipv4, ipv6: node.ipv6},
		services: {nodePort: true, acceleration: true},
	});
	using maps = openDatapathMaps({root, write: true});
	const services = new Services(maps);
	for (const family of [4, 6] as const) {
		await services.upsert({
			frontend: frontend(family),
			type: 'LoadBalancer',
			backends: [{address: family === 4 ? outside.ipv4 : outside.ipv6, port: 8080}],
		});
	}

	const program = openPinnedProgram(`${root}/programs/xdp_netdev`);
	return {
		list: ([4, 6] as const).map(family => ({
			what: `IPv${family} to a backend of another node, known flows`,
			program,
			verdict: 'tx',
			family,
			cost: below(60, 'ns'),
			rate: millions(3.5),
		})),
		async close() {
			program.close();
			await datapathDown({root});
			bpffs.close();
		},
	};
}

/** A second. */
function millions(goal: number): Goal {
	return {text: `≥ ${goal} M/s`, met: ({median}) => median >= goal};
}
