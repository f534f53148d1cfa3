/** Runs packets through pinned programs until it is ended, and tells what became of them. */

import {parentPort, workerData} from 'node:worker_threads';

import {openPinnedProgram} from '../../../src/index.js';

/** A flow that packets are sent of. */
export interface TrafficFlow {
	readonly title: string;
	/** Path of the program's pin. */
	readonly program: string;
	readonly frame: Uint8Array;
	/** Where the source port stands in it; each packet then opens a flow of its own. */
	readonly sourcePortAt?: number;
	readonly denied: boolean;
}

/** Packets since the last report. */
export interface TrafficReport {
	readonly packets: number;
	/** Titles of flows whose packets met the wrong verdict. */
	readonly wrong: readonly string[];
}

const shot = 2;
const reportEvery = 500;

function run(flows: readonly TrafficFlow[]): void {
	const programs = flows.map(({program}) => openPinnedProgram(program));
	let port = 1024;
	let packets = 0;
	for (;;) {
		const wrong: string[] = [];
		for (let i = 0; i < reportEvery; i++) {
			const at = packets++ % flows.length;
			const flow = flows[at];
			if (flow === undefined) continue;
			const {frame, sourcePortAt, denied, title} = flow;
			if (sourcePortAt !== undefined) {
				port = port === 65_535 ? 1024 : port + 1;
				frame[sourcePortAt] = port >> 8;
				frame[sourcePortAt + 1] = port & 255;
			}

			const result = programs[at]?.run({data: frame});
			if ((result?.returnValue === shot) !== denied) wrong.push(title);
		}

		const report: TrafficReport = {packets: reportEvery, wrong};
		parentPort?.postMessage(report);
	}
}

run(workerData as readonly TrafficFlow[]);
