import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** The folder of this package, whichever file of it this code has been put into. */
export const packageRoot = findPackageRoot(fileURLToPath(import.meta.url));

function findPackageRoot(path: string): string {
	const folder = dirname(path);
	return folder === path || existsSync(join(folder, 'package.json'))
		? folder
		: findPackageRoot(folder);
}
