import {UsageError} from '../../base/errors.js';
import {nearest} from '../../base/suggest.js';
import type {Frame} from '../../kernel/sys/packet-socket.js';
import type {Capture} from '../host/capture.js';
import type {Host} from '../host/host.js';
import {LiveExpectation, type ExpectedFrames} from './live-expectation.js';
import type {MapEffect} from './map-snapshot.js';
import {MapWatch, type WatchedMaps} from './map-watch.js';
import {bytesOf, type PacketLike} from './packet-like.js';

/** How frames are sent, and what is waited for. Interfaces are `HOST/INTERFACE`, `HOST` its eth0. */
export interface SendLiveOptions {
	/** Where frames are waited for besides those of `expect`; everywhere where neither is given. */
	readonly watch?: readonly string[];
	/** By interface; when everything has come, the wait is over. That none comes takes all the time. */
	readonly expect?: Readonly<Record<string, ExpectedFrames>>;
	/** Milliseconds to wait; 1000 unless given, 100 where nothing is expected. */
	readonly timeout?: number;
	/**
	 * Frames that count. Unless given, all but what hosts say of themselves: router solicitations and
	 * multicast listener reports.
	 */
	readonly filter?: (frame: Frame) => boolean;
	/** Maps to compare before and after; none unless given. */
	readonly maps?: WatchedMaps;
}

/** What became of frames that were sent. */
export interface LiveResult {
	/** By `HOST/INTERFACE`, what came in, in its order; of every interface that was watched. */
	readonly arrived: Readonly<Record<string, readonly Frame[]>>;
	/** What of `expect` is not so, line by line; undefined when all is as expected. */
	readonly failure: string | undefined;
	/** Milliseconds until all had come, or time was up. */
	readonly duration: number;
	/** What changed in the maps. */
	readonly effects: readonly MapEffect[];
}

type Hosts = Readonly<Record<string, Host>>;

interface Point {
	/** `HOST/INTERFACE` */
	readonly name: string;
	readonly host: Host;
	readonly interfaceName: string;
}

/**
 * Sends frames out of an interface of a lab, through whatever programs are on their way, and waits
 * for what arrives where.
 *
 * An interface sees what its own XDP program lets pass, and what its own tc program has not judged
 * yet: look for that one interface further on.
 *
 * *Throws:* `ERR_USAGE` for a host that the lab does not have, `ERR_HOST` for an interface that the
 * host does not have, `ERR_MAP`.
 */
export async function sendLive(
	lab: {readonly hosts: Hosts},
	from: string,
	frames: PacketLike | readonly PacketLike[],
	options: SendLiveOptions = {},
): Promise<LiveResult> {
	const {expect = {}, watch: watched = [], filter = isNoChatter, maps = []} = options;
	const sender = findPoint(lab.hosts, from);
	const expected = Object.entries(expect).map(
		([name, wanted]) => new LiveExpectation(findPoint(lab.hosts, name).name, wanted),
	);
	const names = [...watched, ...Object.keys(expect)];
	const points =
		names.length > 0 ? names.map(name => findPoint(lab.hosts, name)) : everywhere(lab.hosts);
	const {timeout = expected.length > 0 ? 1000 : 100} = options;

	using watch = new MapWatch(maps);
	const arrived = new Map<string, Frame[]>();
	const captures: Capture[] = [];
	const readers: Promise<void>[] = [];
	const start = performance.now();
	try {
		for (const {name, host, interfaceName} of points) {
			if (arrived.has(name)) continue;
			arrived.set(name, []);
			captures.push(host.capture(interfaceName, {direction: 'in', filter}));
		}

		await new Promise<void>((resolve, reject) => {
			const timer = setTimeout(resolve, timeout);
			const end = (): void => {
				clearTimeout(timer);
				resolve();
			};
			const fail = (error: Error): void => {
				clearTimeout(timer);
				reject(error);
			};
			const isDone = (): boolean =>
				expected.length > 0 &&
				expected.every(one => one.isFulfilled(arrived.get(one.name)));
			for (const [i, list] of [...arrived.values()].entries()) {
				const reader = captures[i]?.each(frame => {
					list.push(frame);
					if (isDone()) end();
				});
				if (reader === undefined) continue;
				reader.catch(fail);
				readers.push(reader);
			}

			try {
				for (const frame of isList(frames) ? frames : [frames])
					sender.host.inject(sender.interfaceName, bytesOf(frame));
			} catch (error) {
				fail(error as Error);
			}
		});
	} finally {
		for (const capture of captures) capture.close();
		await Promise.all(readers);
	}

	const failures = expected.flatMap(one => one.failures(arrived.get(one.name)));
	return {
		arrived: Object.fromEntries(arrived),
		failure: failures.length === 0 ? undefined : failures.join('\n'),
		duration: performance.now() - start,
		effects: watch.step(),
	};
}

function isList(frames: PacketLike | readonly PacketLike[]): frames is readonly PacketLike[] {
	return Array.isArray(frames);
}

function findPoint(hosts: Hosts, text: string): Point {
	const [hostName = '', interfaceName = 'eth0'] = text.split('/');
	const host = Object.hasOwn(hosts, hostName) ? hosts[hostName] : undefined;
	if (host !== undefined) return {name: `${hostName}/${interfaceName}`, host, interfaceName};
	const close = nearest(hostName, Object.keys(hosts));
	const advice = close === undefined ? '' : `; did you mean "${close}"?`;
	throw new UsageError(`send frames: the lab has no host "${hostName}"${advice}`);
}

function everywhere(hosts: Hosts): Point[] {
	return Object.values(hosts).flatMap(host =>
		host.interfaces.map(({name}) => ({
			name: `${host.name}/${name}`,
			host,
			interfaceName: name,
		})),
	);
}

/** Router solicitations and multicast listener reports, the latter behind a hop-by-hop header. */
function isNoChatter({bytes}: Frame): boolean {
	if (bytes[12] !== 0x86 || bytes[13] !== 0xdd) return true;
	const type = bytes[20] === 0 ? bytes[62] : bytes[54];
	const isIcmp = bytes[20] === 58 || (bytes[20] === 0 && bytes[54] === 58);
	return !isIcmp || (type !== 133 && type !== 143);
}
