/** How large the datapath's maps are: by the machine's memory, or as given. */

import {totalmem} from 'node:os';

import {UsageError} from '../base/errors.js';

/** Numbers of entries. */
export interface MapSizes {
	/** Of TCP flows, each family. */
	readonly conntrackTcp: number;
	/** Of all other flows, each family. */
	readonly conntrackAny: number;
	/** Of address translations, each family. */
	readonly nat: number;
	/** Of neighbours of the node's devices, each family. */
	readonly neighbours: number;
	/** Of connections translated in their sockets, each family. */
	readonly socketReverseNat: number;
	/** Of slots of services, and of backends, each family. */
	readonly services: number;
}

/** How sizes are chosen. */
export interface SizeOptions extends Partial<MapSizes> {
	/** Part of the machine's memory that the five maps share, above 0 up to 1; 0.0025 unless given. */
	readonly ratio?: number;
	/** Bytes of memory; the machine's unless given. */
	readonly memory?: number;
}

const largest = 16_777_216;

/** By the machine's memory. */
type Shared = Exclude<keyof MapSizes, 'services'>;

/** Entries where memory is not looked at, the bytes of one, and the least that a machine gets. */
const maps: Readonly<Record<Shared, readonly [usual: number, bytes: number, least: number]>> = {
	conntrackTcp: [524_288, 94, 131_072],
	conntrackAny: [262_144, 94, 65_536],
	nat: [524_288, 94, 131_072],
	neighbours: [524_288, 24, 131_072],
	socketReverseNat: [262_144, 48, 65_536],
};

const names = Object.keys(maps) as Shared[];
const usualBytes = names.reduce((sum, name) => sum + maps[name][0] * maps[name][1], 0);

/** What may be asked for. */
const least = 1024;

/**
 * Sizes by Cilium's rule: the maps share a part of the memory in the proportions of their usual
 * sizes, each within bounds of its own. What is given is taken instead.
 *
 * *Throws:* `ERR_USAGE` for sizes outside 1024 to 16777216, a ratio outside 0 to 1, and more
 * translations than there are flows.
 */
export function mapSizes({
	ratio = 0.0025,
	memory = totalmem(),
	...given
}: SizeOptions = {}): MapSizes {
	if (!(ratio > 0 && ratio <= 1)) {
		throw new UsageError(`size maps: the ratio ${ratio} is not above 0 and up to 1`);
	}

	const budget = BigInt(Math.floor(memory * ratio));
	const size = (name: Shared): number => {
		const wanted = given[name];
		if (wanted !== undefined) return check(name, wanted);
		const [usual, , minimum] = maps[name];
		const share = Number((BigInt(usual) * budget) / BigInt(usualBytes));
		return Math.min(Math.max(share, minimum), largest);
	};

	const conntrackTcp = size('conntrackTcp');
	const conntrackAny = size('conntrackAny');
	const flows = conntrackTcp + conntrackAny;
	let nat = size('nat');
	if (nat > flows) {
		if (given.nat !== undefined && given.nat !== maps.nat[0]) {
			throw new UsageError(
				`size maps: ${nat} translations need as many flows, and there are ${flows}`,
			);
		}

		nat = Math.floor((flows * 2) / 3);
	}

	const neighbours = given.neighbours === undefined ? nat : size('neighbours');
	return {
		conntrackTcp,
		conntrackAny,
		nat,
		neighbours,
		socketReverseNat: size('socketReverseNat'),
		services: given.services === undefined ? 65_536 : check('services', given.services),
	};
}

function check(name: string, wanted: number): number {
	if (Number.isInteger(wanted) && wanted >= least && wanted <= largest) return wanted;
	throw new UsageError(
		`size maps: ${name} is a whole number from ${least} to ${largest}, got ${wanted}`,
	);
}
