/** Changes services over and over until it is ended. */

import {parentPort, workerData} from 'node:worker_threads';

import {openDatapathMaps, Services, type NewService} from '../../../src/datapath/index.js';

export interface UpserterData {
	readonly root: string;
	/** Of each service several forms; without backends it is removed. */
	readonly services: readonly (readonly NewService[])[];
}

const {root, services: given} = workerData as UpserterData;
const services = new Services(openDatapathMaps({root, write: true, version: 'skep'}), {size: 251});
for (let round = 0; ; round++) {
	for (const [i, forms] of given.entries()) {
		const form = forms[(round + i) % forms.length];
		if (form === undefined) continue;
		if (form.backends.length === 0) await services.delete(form.frontend);
		else await services.upsert(form);
		parentPort?.postMessage(round);
	}
}
