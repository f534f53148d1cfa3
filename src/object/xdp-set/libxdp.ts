/** The dispatcher of libxdp, the other way of sharing an interface: looked at, never changed. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {addon} from '../../kernel/sys/addon.js';
import {mapInfo} from '../../kernel/sys/info.js';
import {mapLookup} from '../../kernel/sys/map.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {xdpActionName, xdpActions, type XdpAction} from '../../uapi/verdicts.js';
import {openBtfById} from '../btf/open-btf.js';
import {listLinks} from '../link/list-links.js';
import {openProgramById, type Program} from '../program/program.js';

/** The name that libxdp gives its dispatcher, and what the kernel keeps of its settings' map. */
export const libxdpName = 'xdp_dispatcher';
const settingsName = 'xdp_disp.rodata';

/** A program that libxdp's dispatcher runs. */
export interface LibxdpMember {
	/** Undefined where no link into the slot is found. */
	readonly name?: string;
	readonly programId?: number;
	readonly linkId?: number;
	readonly priority: number;
	/** Verdicts after which the next one runs. */
	readonly chain: readonly XdpAction[];
}

/** The settings of libxdp's dispatcher, which it has in a read-only data section. */
export interface LibxdpSettings {
	/** Of libxdp's protocol. */
	readonly version: number;
	/** In the order they run. */
	readonly slots: readonly Pick<LibxdpMember, 'priority' | 'chain'>[];
}

const slotCount = 10;
const magic = 236;
const sizes = {first: 84, second: 124} as const;
/** `XDP_PASS` and its like take bits 0 to 4; bit 31 marks an empty slot's stub. */
const actionCount = Object.keys(xdpActions).length;

/** Reads the settings; undefined when the bytes are not those of a known version. */
export function readSettings(bytes: Uint8Array): LibxdpSettings | undefined {
	const view = viewOf(bytes);
	if (bytes.length === sizes.first) return settings(view, 1, view.getUint8(0));
	if (bytes.length < sizes.second || view.getUint8(0) !== magic) return undefined;
	return settings(view, view.getUint8(1), view.getUint8(2));
}

function settings(view: DataView, version: number, count: number): LibxdpSettings | undefined {
	if (count > slotCount) return undefined;
	const word = (index: number) => view.getUint32(4 + index * 4, hostLittleEndian);
	return {
		version,
		slots: Array.from({length: count}, (_, i) => ({
			priority: word(slotCount + i),
			chain: Array.from({length: actionCount}, (__, action) => action)
				.filter(action => ((word(i) >>> action) & 1) === 1)
				.map(action => xdpActionName(action)),
		})),
	};
}

/** The members of libxdp's dispatcher; undefined when the program is none. *Throws:* `ERR_SYSCALL`. */
export function readLibxdp(
	program: Program,
): {readonly version: number; readonly members: readonly LibxdpMember[]} | undefined {
	if (program.name !== libxdpName) return undefined;
	const found = settingsOf(program);
	if (found === undefined) return undefined;
	const components = componentsOf(program);
	const members = found.slots.map((slot, i) => ({...slot, ...components.get(`prog${i}`)}));
	return {version: found.version, members};
}

function settingsOf(program: Program): LibxdpSettings | undefined {
	for (const id of program.mapIds()) {
		const fd = objectFdById('map', id);
		try {
			const {name, valueSize} = mapInfo(fd);
			if (name !== settingsName) continue;
			const bytes = new Uint8Array(valueSize);
			if (mapLookup(fd, new Uint8Array(4), bytes, 0) === 0) return readSettings(bytes);
		} finally {
			addon.closeFd(fd);
		}
	}

	return undefined;
}

/** Programs that replace functions of the dispatcher, by the functions' names. */
function componentsOf(dispatcher: Program) {
	const {id, btfId} = dispatcher.info();
	const found = new Map<string, Pick<LibxdpMember, 'name' | 'programId' | 'linkId'>>();
	if (btfId === 0) return found;
	for (const link of listLinks()) {
		if (link.type !== 'tracing' || link.targetObjectId !== id) continue;
		const types = openBtfById(btfId);
		const slot = types.type(link.targetBtfId ?? 0).name;
		using program = openProgramById(link.programId);
		found.set(slot, {name: program.name, programId: link.programId, linkId: link.id});
	}

	return found;
}
