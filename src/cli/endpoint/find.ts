/** Endpoints as the command line names and shows them. */

import {UsageError} from '../../base/errors.js';
import type {DatapathMaps, Endpoint} from '../../datapath/index.js';
import type {Row} from '../output/table.js';

/** Which of both directions are enforced, in a word. */
export function policyOf({enforcement}: Endpoint): string {
	const {ingress, egress, audit} = enforcement;
	if (!ingress && !egress) return 'disabled';
	const directions = ingress && egress ? 'both' : ingress ? 'ingress' : 'egress';
	return audit ? `${directions} (audit)` : directions;
}

/** An endpoint has a row for each of its addresses. */
export interface AddressRow {
	readonly endpoint: Endpoint;
	readonly address: string;
}

export function addressRows(endpoints: Iterable<Endpoint>): AddressRow[] {
	return [...endpoints].flatMap(endpoint =>
		endpoint.addresses.map(address => ({endpoint, address})),
	);
}

export function rowOf({endpoint, address}: AddressRow): Row {
	const {id, identity, ifindex, mac, host} = endpoint;
	return {
		'ip address': address,
		id,
		sec_id: identity,
		policy: policyOf(endpoint),
		ifindex,
		mac: host ? '(localhost)' : mac,
	};
}

/** An endpoint by its id or by one of its addresses. *Throws:* `ERR_DATAPATH`, `ERR_USAGE`. */
export async function findEndpoint(
	action: string,
	text: string,
	maps: DatapathMaps,
): Promise<Endpoint> {
	const {DatapathError, Endpoints} = await import('../../datapath/index.js');
	const endpoints = new Endpoints(maps);
	const isId = /^\d+$/.test(text);
	if (!isId && !/[.:]/.test(text)) {
		throw new UsageError(`${action} "${text}": expected an id or an address`);
	}

	const found = isId ? endpoints.get(Number(text)) : endpoints.find(text);
	if (found !== undefined) return found;
	throw new DatapathError(action, text, 'there is no such endpoint; skep endpoint list');
}
