/** XDP for the people of the tables, attached nowhere. */

import type {ExecutionContext} from 'ava';

import {openDatapathMaps, Prefilter, type DatapathMaps} from '../../../src/datapath/index.js';
import {prepareObject} from '../../../src/datapath/objects.js';
import {mapSizes} from '../../../src/datapath/sizes.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import type {Program} from '../../../src/object/program/program.js';
import {makeBpffs} from '../../helpers/bpffs.js';

export interface FrameNode {
	readonly program: Program;
	readonly maps: DatapathMaps;
	readonly prefilter: Prefilter;
}

/** Loads it for one test. */
export async function makeFrameNode(t: ExecutionContext): Promise<FrameNode> {
	const root = await makeBpffs(t);
	const spec = await prepareObject('xdp', {}, mapSizes());
	const collection = loadCollection(spec, {pinRoot: root});
	t.teardown(() => {
		collection.close();
	});
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	return {program: collection.program('xdp_netdev'), maps, prefilter: new Prefilter(maps)};
}
