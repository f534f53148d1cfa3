import {addon} from '../../kernel/sys/addon.js';
import {linkInfo, type LinkInfo} from '../../kernel/sys/link-info.js';
import {readMapInfo} from '../map/map-info.js';
import {listPins, type Pin} from '../pin/list-pins.js';
import {tryOpenPin} from '../pin/pin.js';
import {ownerOfTemporary} from '../pin/successor.js';
import {fullProgramName, readProgramInfo} from '../program/program-info.js';

/** A pin and what it keeps alive. */
export interface PinDetails extends Pin {
	/** Of a map or program; empty for links. */
	readonly name: string;
	/** Of the map, program or link. */
	readonly type: string;
	/** Why it keeps nothing alive that still serves; undefined where it does. */
	readonly dead?: string;
}

/** The same as `listPins`, with names, types and whether they still serve. *Throws:* `ERR_PIN`. */
export function* describePins(root?: string): Generator<PinDetails> {
	for (const pin of listPins(root)) {
		const details = describe(pin);
		if (details !== undefined) yield details;
	}
}

function describe(pin: Pin): PinDetails | undefined {
	const fd = tryOpenPin(pin.path);
	// Gone meanwhile.
	if (fd === undefined) return undefined;
	try {
		const dead =
			ownerOfTemporary(pin.path) === undefined ? {} : {dead: 'left over by an upgrade'};
		switch (pin.kind) {
			case 'map': {
				const {name, type} = readMapInfo(fd);
				return {...pin, name, type, ...dead};
			}

			case 'program': {
				const info = readProgramInfo(fd);
				return {...pin, name: fullProgramName(fd, info), type: info.type, ...dead};
			}

			case 'link': {
				const info = linkInfo(fd);
				const gone = isGone(info) ? {dead: 'its target is gone'} : {};
				return {...pin, name: '', type: info.type, ...gone};
			}
		}
	} finally {
		addon.closeFd(fd);
	}
}

/** The device, cgroup or namespace that the link was attached to has gone, or it was detached. */
function isGone({ifindex, cgroupId, netnsInode}: LinkInfo): boolean {
	return ifindex === 0 || cgroupId === 0n || netnsInode === 0;
}
