/** perf_event_open(2), one function for each thing that is done with events. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {addon} from './addon.js';

const attrSize = 112;
const software = 1;
const bpfOutput = 10n;
const sampleRaw = 1n << 10n;

/**
 * An event that programs write samples to with `bpf_perf_event_output`; its descriptor, or `-errno`:
 * `-ENODEV` for a CPU that is offline. It wakes its readers at every `wakeup` samples.
 */
export function perfOpenOutput(cpu: number, wakeup: number): number {
	const attr = new Uint8Array(attrSize);
	const view = viewOf(attr);
	view.setUint32(0, software, hostLittleEndian);
	view.setBigUint64(8, bpfOutput, hostLittleEndian);
	view.setBigUint64(16, 1n, hostLittleEndian);
	view.setBigUint64(24, sampleRaw, hostLittleEndian);
	view.setUint32(48, wakeup, hostLittleEndian);
	return addon.perfEventOpen(attr, '', -1, cpu);
}
