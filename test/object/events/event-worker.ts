/** Waits for events on a thread of its own, until it is ended from outside. */

import {parentPort, workerData} from 'node:worker_threads';
import {openMapById} from '../../../src/object/map/open-map.js';
import {openPerfBuffer} from '../../../src/object/events/perf-buffer.js';
import {openRingBuffer} from '../../../src/object/events/ring-buffer.js';

const {id, kind} = workerData as {id: number; kind: 'ring' | 'perf'};
const map = openMapById(id);
const reader = kind === 'ring' ? openRingBuffer(map) : openPerfBuffer(map);
const reading = reader.each(batch => parentPort?.postMessage(batch.count));
parentPort?.postMessage('reading');
await reading;
