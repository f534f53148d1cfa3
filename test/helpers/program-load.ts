import {constants} from 'node:os';
import {programLoad, type ProgramLoadAttr} from '../../src/kernel/sys/program.js';

/** `programLoad`, again where a signal interrupted the verifier, as the end of a child does. */
export function loadRaw(attr: ProgramLoadAttr): ReturnType<typeof programLoad> {
	for (;;) {
		const loaded = programLoad(attr);
		if (loaded.result !== -constants.errno.EAGAIN) return loaded;
	}
}
