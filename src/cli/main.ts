/** `skep`: one file per noun; what a verb needs is loaded when it runs. */

import {CommanderError} from 'commander';

import {reportError} from './output/errors.js';
import {createProgram} from './program.js';
import {withScriptArguments} from './script-arguments.js';

async function main(): Promise<void> {
	try {
		const program = await createProgram(process.argv);
		await program.parseAsync(withScriptArguments(process.argv));
	} catch (error) {
		if (error instanceof CommanderError && error.exitCode === 0) return;
		process.exitCode = reportError(error);
	}
}

main().catch((error: unknown) => {
	process.exitCode = reportError(error);
});
