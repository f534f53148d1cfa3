/** Identities as the command line names and shows them. */

import type {Identity} from '../../datapath/index.js';
import {openMaps} from '../datapath-options.js';
import type {Row} from '../output/table.js';

/** Labels from words, each `source:key=value` or several of them with commas between. */
export function labelsOf(words: readonly string[]): string[] {
	return words.flatMap(word => word.split(',')).filter(label => label !== '');
}

export function rowOf({id, labels}: Identity): Row {
	return {id, 'labels (source:key[=value])': labels.join(' ')};
}

/**
 * All identities under a root: the reserved ones alone where none was allocated yet.
 *
 * *Throws:* `ERR_DATAPATH` where there is no datapath.
 */
export async function listIdentities(root: string): Promise<Identity[]> {
	const datapath = await import('../../datapath/index.js');
	(await openMaps({root})).close();
	return datapath.listIdentities(root);
}
