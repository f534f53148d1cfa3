import {btfInfo, programMapIds, type RawBtfInfo} from '../../kernel/sys/info.js';
import {readMapInfo, type MapInfo} from '../map/map-info.js';
import {fullProgramName, readProgramInfo, type ProgramInfo} from '../program/program-info.js';
import {listObjects} from './list-objects.js';

/** A program and the maps it uses. */
export interface ListedProgram extends ProgramInfo {
	readonly mapIds: readonly number[];
}

/** A BTF object in the kernel. */
export type BtfInfo = RawBtfInfo;

/** All programs of the host, by ascending id. *Throws:* `ERR_SYSCALL`. *Kernel:* 4.13. */
export function* listPrograms(): Generator<ListedProgram> {
	yield* listObjects('prog', fd => {
		const info = readProgramInfo(fd);
		return {...info, name: fullProgramName(fd, info), mapIds: programMapIds(fd)};
	});
}

/** All maps of the host, by ascending id. *Throws:* `ERR_SYSCALL`. *Kernel:* 4.13. */
export function* listMaps(): Generator<MapInfo> {
	yield* listObjects('map', readMapInfo);
}

/** All BTF objects of the host, by ascending id. *Throws:* `ERR_SYSCALL`. *Kernel:* 5.4. */
export function* listBtf(): Generator<BtfInfo> {
	yield* listObjects('btf', btfInfo);
}
