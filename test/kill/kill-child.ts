/** Changes what the kernel holds, forth and back, until it is killed, wherever it is then. */

import {datapathDown, datapathUp, datapathUpgrade} from '../../src/datapath/datapath.js';
import {openDatapathMaps, Policies, type PolicyRule} from '../../src/datapath/index.js';
import {attach, loadCollection, openPinnedLink, readObject} from '../../src/index.js';
import type {DatapathOptions} from '../../src/datapath/datapath.js';

/** What there is to be changed, by the name of the work. */
export interface Scenes {
	readonly attach: {object: string; root: string; device: string; netns: string};
	readonly migrate: {versions: readonly string[]; root: string};
	readonly datapath: DatapathOptions;
	readonly policy: {root: string; endpointId: number; choices: readonly PolicyRule[][]};
}

type Work = {readonly [K in keyof Scenes]: (scene: Scenes[K]) => AsyncGenerator<undefined>};

const work: Work = {
	async *attach({object, root, device, netns}) {
		const spec = await readObject(object);
		const pin = `${root}/link`;
		for (let round = 0; ; round++) {
			using collection = loadCollection(spec, {pinRoot: `${root}/maps`, pinMaps: 'all'});
			const program = collection.program('count_packets');
			using link = attach(program, {xdp: device, netns}, {pin}).link;
			if (round % 2 === 1) {
				link.unpin(pin);
				collection.unpin();
			}

			yield;
		}
	},
	async *migrate({versions, root}) {
		const specs = await Promise.all(versions.map(async version => readObject(version)));
		for (;;) {
			for (const spec of specs) {
				using made = loadCollection(spec, {pinRoot: root, onMismatch: 'migrate'});
				using link = openPinnedLink(`${root}/link`);
				link.update(made.program('look'));
				await made.commit();
				yield;
			}
		}
	},
	async *datapath(options) {
		const {root = ''} = options;
		for (;;) {
			await datapathUp(options);
			yield;
			await datapathUpgrade({root, gateway: {ipv4: '10.9.0.2'}});
			await datapathDown({root});
			yield;
		}
	},
	async *policy({root, endpointId, choices}) {
		const policies = new Policies(openDatapathMaps({root, write: true}));
		for (;;) {
			for (const rules of choices) {
				await policies.replace(endpointId, rules, {enforce: {ingress: true}});
				yield;
			}
		}
	},
};

async function run<K extends keyof Scenes>(name: K, scene: Scenes[K]): Promise<void> {
	let before = performance.now();
	for (const rounds = work[name](scene); (await rounds.next()).done !== true;) {
		const now = performance.now();
		process.send?.(now - before);
		before = now;
	}
}

const [, , name = '', scene = ''] = process.argv;
const kind = name as keyof Scenes;
await run(kind, JSON.parse(scene) as Scenes[typeof kind]);
