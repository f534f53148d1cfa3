// Exits 0 when node_modules holds every package of package-lock.json in its version.
import {readFileSync} from 'node:fs';

const read = path => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'));

const wanted = Object.entries(read('package-lock.json').packages);
const present = read('node_modules/.package-lock.json').packages;

const matches = ([path, {version, optional}]) =>
	path === '' || present[path]?.version === version || (optional && !(path in present));

process.exit(wanted.every(matches) ? 0 : 1);
