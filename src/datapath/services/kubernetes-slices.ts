/** `EndpointSlice`: the backends of Kubernetes' services. */

import {readAddress, type Family} from './addresses.js';
import type {Fields} from './kubernetes-fields.js';
import type {NewBackend} from './service.js';

/** Backends of one family. */
export interface Slice {
	/** Namespace and name of their service. */
	readonly service: string;
	readonly family: Family;
	/** What stands behind a service's port of that name. */
	readonly ports: readonly {
		readonly name: string;
		readonly protocol: string;
		readonly port: number;
	}[];
	readonly endpoints: readonly Omit<NewBackend, 'port'>[];
}

export const protocols = ['TCP', 'UDP', 'SCTP'] as const;
export const serviceLabel = 'kubernetes.io/service-name';

/** Undefined for names of hosts, which no service leads to. *Throws:* `ERR_USAGE`. */
export function readSlice(
	object: Fields,
	namespace: string,
	nodeName: string | undefined,
): Slice | undefined {
	const service = object.object('metadata').object('labels').text(serviceLabel);
	const type = object.choice('addressType', ['IPv4', 'IPv6', 'FQDN']);
	if (type === 'FQDN') return undefined;
	const family = type === 'IPv4' ? 4 : 6;
	const ports = object.list('ports').map(port => ({
		name: port.text('name', ''),
		protocol: port.choice('protocol', protocols, 'TCP'),
		port: port.whole('port', 1, 65_535),
	}));
	const endpoints = object
		.list('endpoints')
		.flatMap(endpoint => readEndpoint(endpoint, family, nodeName));
	return {service: `${namespace}/${service}`, family, ports, endpoints};
}

/** None where it takes no flows: it is not ready, or it is ending and does not serve any more. */
function readEndpoint(
	endpoint: Fields,
	family: Family,
	nodeName: string | undefined,
): Omit<NewBackend, 'port'>[] {
	const conditions = endpoint.object('conditions');
	const ready = conditions.flag('ready', true);
	const serving = conditions.flag('serving', ready);
	const isEnding = conditions.flag('terminating', false);
	// All addresses of an endpoint are the same server; the first is the one to use.
	const [text] = endpoint.texts('addresses');
	if (text === undefined) return endpoint.refuse('addresses', 'has an address', []);
	const address = readKnown(endpoint, 'addresses[0]', text);
	if (address.family !== family) endpoint.refuse('addresses[0]', `is of IPv${family}`, text);
	const node = endpoint.text('nodeName', '');
	if (!(isEnding ? serving : ready)) return [];
	return [
		{
			address: address.text,
			state: isEnding ? 'terminating' : 'active',
			local: nodeName !== undefined && node === nodeName,
		},
	];
}

/** An address in a field. *Throws:* `ERR_USAGE`. */
export function readKnown(
	object: Fields,
	field: string,
	text: string,
): {readonly family: Family; readonly text: string} {
	try {
		return readAddress(text);
	} catch (cause) {
		return object.refuse(field, 'is an address', text, cause);
	}
}
