/** Replaces a policy again and again until it is ended, wherever it is then. */

import {parentPort, workerData} from 'node:worker_threads';

import {openDatapathMaps, Policies, type PolicyRule} from '../../../src/datapath/index.js';

export interface ReplacerData {
	readonly root: string;
	readonly endpointId: number;
	readonly choices: readonly (readonly PolicyRule[])[];
}

const {root, endpointId, choices} = workerData as ReplacerData;
const policies = new Policies(openDatapathMaps({root, write: true}));
for (let round = 0; ; round++) {
	const ingress = round % 2 === 0;
	await policies.replace(endpointId, choices[round % choices.length] ?? [], {enforce: {ingress}});
	parentPort?.postMessage(round);
}
