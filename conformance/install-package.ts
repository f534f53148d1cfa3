import {run} from './run.js';

/** *Throws:* where it is not there and cannot be installed. */
export async function installPackage(name: string): Promise<void> {
	const {error} = await run('dpkg-query', ['--show', name]);
	if (error === undefined) return;
	process.stderr.write(`conformance: installing ${name}\n`);
	const install = ['install', '-y', '-qq', '--no-install-recommends', name];
	const result = await run('apt-get', install);
	if (result.error !== undefined) throw new Error(`cannot install ${name}: ${result.error}`);
}
