import type {DeviceFeature} from '../../kernel/sys/namespace.js';
import type {Offloads} from './topology.js';

/** What makes frames differ from those on a wire. In this order nothing is refused. */
const all = [
	'sendChecksum',
	'tcpSegmentation',
	'genericSegmentation',
	'genericReceive',
	'scatterGather',
] as const satisfies readonly DeviceFeature[];

/** The settings that a description of offloads stands for. */
export function expandOffloads(offloads: Offloads | undefined): [DeviceFeature, boolean][] {
	if (offloads === undefined) return [];
	if (typeof offloads === 'object') return Object.entries(offloads) as [DeviceFeature, boolean][];
	return all.map(feature => [feature, offloads]);
}
