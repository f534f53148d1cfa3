/** HTTP on a virtual address: requests are spread, and go on while a backend is drained. */

import {Services} from 'skep/datapath';
import type {Host} from 'skep/lab';

import type {Node} from './datapath.js';
import {Client, serveName} from './http.js';
import {Load} from './requests.js';
import {printTable} from './table.js';

/** Nobody's. */
const virtual = ['10.96.0.1', 'fd00:96::1'] as const;
const port = 80;
/** Requests counted under each of the backends' states. */
const requests = 300;

/** *Throws:* when a request failed, or was answered by who was not to have it. */
export async function balanceRequests({maps, hosts}: Node, signal: AbortSignal): Promise<void> {
	const {red, blue, green} = hosts;
	using _blue = await serveName(blue);
	using _green = await serveName(green);
	const services = new Services(maps);
	await addServices(services, [blue, green]);
	const setBlue = async (state: 'active' | 'terminating'): Promise<void> => {
		for (const address of [blue.ipv4, blue.ipv6]) {
			await services.backends.setState({address, port}, state);
		}
	};

	const kept = await Promise.all(
		ofBothFamilies(8).map(async address => keepConnection(red, address, signal)),
	);
	const load = new Load(red, ofBothFamilies(4), 'both active', signal);
	let moved: number;
	try {
		await load.reach(requests);
		await setBlue('terminating');
		load.begin('blue drained');
		await load.reach(requests);
		const checks = await Promise.all(kept.map(async ({isStillThere}) => isStillThere()));
		moved = checks.filter(isThere => !isThere).length;
		await setBlue('active');
		load.begin('blue active again');
		await load.reach(requests);
	} finally {
		await load.end();
		for (const {client} of kept) client.destroy();
	}

	console.log('\n  Requests of app=red that go on meanwhile, each on a new connection');
	printTable(load.phases.map(phase => ({...phase})));
	const ofBlue = kept.filter(({name}) => name === 'blue').length;
	console.log(
		`  connections kept open: ${kept.length}, of which ${ofBlue} to blue; ` +
			`broken or moved: ${moved}`,
	);
	const [before, drained, after] = load.phases;
	if (moved > 0 || load.phases.some(({failed}) => failed > 0)) {
		throw new Error('a request failed, or a connection moved');
	}

	if (!before?.blue || !before.green || drained?.blue !== 0 || !after?.blue) {
		throw new Error('requests were spread in another way than the service says');
	}
}

/** A service of each family, and a table of them. */
async function addServices(services: Services, backends: readonly Host[]): Promise<void> {
	for (const [i, address] of virtual.entries()) {
		await services.upsert({
			frontend: {address, port},
			backends: backends.map(({ipv4, ipv6}) => ({address: i === 0 ? ipv4 : ipv6, port})),
		});
	}

	printTable(
		services.list().map(({frontend: {address}, backends}) => ({
			service: address,
			'tcp port': port,
			backends: backends.map(({address}) => address).join(', '),
		})),
	);
}

/** A connection that stays, and whether it is still the one that it was. */
async function keepConnection(from: Host, address: string, signal: AbortSignal) {
	const client = new Client(from, {keepAlive: true});
	const name = await client.ask(address, signal);
	const isStillThere = async (): Promise<boolean> =>
		(await client.ask(address, signal).catch(() => '')) === name && client.opened === 1;
	return {client, name, isStillThere};
}

/** So many addresses of the service of each family. */
function ofBothFamilies(count: number): string[] {
	return Array.from({length: count}, () => virtual).flat();
}
