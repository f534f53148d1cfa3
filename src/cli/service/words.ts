/** Frontends and backends as the command line reads and writes them. */

import {UsageError} from '../../base/errors.js';
import type {Backend, Frontend, Service, ServiceBackend} from '../../datapath/index.js';
import type {Row} from '../output/table.js';

/** `10.96.0.1:80/TCP`, `[fd00::1]:80/TCP`, and with `/i` of the internal scope. */
export function frontendText({frontend}: Pick<Service, 'frontend'>): string {
	return `${placeText(frontend)}${frontend.scope === 'internal' ? '/i' : ''}`;
}

/** `10.1.0.1:8080/TCP`. */
export function placeText({
	address,
	port,
	protocol,
}: {
	readonly address: string;
	readonly port: number;
	readonly protocol: string;
}): string {
	const host = address.includes(':') ? `[${address}]` : address;
	return `${host}:${port}/${protocol.toUpperCase()}`;
}

/** What stands in the place of a service's backend in slot 0. */
export function nowhere({frontend}: Service): string {
	return frontend.address.includes(':') ? '[::]:0' : '0.0.0.0:0';
}

/** `1 => 10.1.0.1:8080/TCP (active)`. */
export function backendText(backend: ServiceBackend): string {
	return `${backend.slot} => ${placeText(backend)} (${backend.state})`;
}

/** One line for each backend, the first with the service; one where there is none. */
export function serviceRows(service: Service): Row[] {
	const {id, type, backends, proxyPort} = service;
	const none = proxyPort === undefined ? '-' : `proxy at port ${proxyPort}`;
	const texts =
		proxyPort !== undefined || backends.length === 0 ? [none] : backends.map(backendText);
	return texts.map((backend, i) => ({
		id: i === 0 ? id : '',
		frontend: i === 0 ? frontendText(service) : '',
		'service type': i === 0 ? type : '',
		backend,
	}));
}

/** A port and its protocol, which is TCP unless it is said. */
interface Place {
	readonly address: string;
	readonly port: number;
	readonly protocol?: string;
	readonly isInternal: boolean;
}

function readPlace(what: string, text: string): Place {
	const pattern = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)(?:\/([a-z\d]+))?(\/i)?$/i;
	const [, six, four, digits, protocol, internal] = pattern.exec(text) ?? [];
	const address = six ?? four;
	const port = Number(digits);
	if (address === undefined || port > 65_535) {
		throw new UsageError(
			`read ${what} "${text}": expected 10.0.0.1:80, [fd00::1]:80, or one of them with /udp`,
		);
	}

	const isInternal = internal !== undefined;
	return {address, port, isInternal, ...(protocol === undefined ? {} : {protocol})};
}

/** Without `/i` no scope is meant. *Throws:* `ERR_USAGE`. */
export function readFrontend(text: string): Frontend {
	const {isInternal, ...frontend} = readPlace('frontend', text);
	return isInternal ? {...frontend, scope: 'internal'} : frontend;
}

/** *Throws:* `ERR_USAGE`. */
export function readBackend(text: string): Omit<Place, 'isInternal'> {
	const {isInternal, ...backend} = readPlace('backend', text);
	if (isInternal) throw new UsageError(`read backend "${text}": only frontends have a scope`);
	return backend;
}

/** A backend by its id or by its address. */
export function backendReference(text: string): number | Omit<Place, 'isInternal'> {
	return /^\d+$/.test(text) ? Number(text) : readBackend(text);
}

export function backendRow(backend: Backend & {readonly services: readonly number[]}): Row {
	const {id, state, zone, services} = backend;
	return {
		id,
		'backend address': placeText(backend),
		state,
		zone,
		services: services.length === 0 ? '-' : services.join(' '),
	};
}
