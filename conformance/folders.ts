import {fileURLToPath} from 'node:url';

/** The project's own folder. */
export const project = fileURLToPath(new URL('../..', import.meta.url));

/** What takes long to make is made once, here. */
export const build = fileURLToPath(new URL('../../build/conformance', import.meta.url));
