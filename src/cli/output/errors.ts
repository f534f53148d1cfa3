/** Errors as a person wants them: one line. */

import {CommanderError} from 'commander';

import {isEbpfError} from '../../base/errors.js';

/** The command was not understood. */
const usageExit = 2;
const failureExit = 1;
/** The last is for a word that should have been an address or prefix. */
const usageCodes: readonly string[] = ['ERR_USAGE', 'ERR_ADDRESS'];

/** Prints an error as one line on standard error and gives the exit code it means. */
export function reportError(error: unknown): number {
	if (error instanceof CommanderError) {
		// A noun without a verb prints its help.
		if (error.code === 'commander.help') return usageExit;
		const [message = '', ...advice] = error.message.replace(/^error: /, '').split('\n');
		const hint = advice.join(' ').replace(/^\((.*)\)$/, '; $1');
		say(lowerFirst(message) + lowerFirst(hint));
		return usageExit;
	}

	if (!(error instanceof Error)) {
		say(String(error));
		return failureExit;
	}

	if (process.env['SKEP_DEBUG'] === '1') console.error(error);
	if (isEbpfError(error)) {
		say(error.message);
		if ('exitCode' in error && typeof error.exitCode === 'number') return error.exitCode;
		return usageCodes.includes(error.code) ? usageExit : failureExit;
	}

	say(`${error.message} (unexpected; SKEP_DEBUG=1 shows where)`);
	return failureExit;
}

function say(message: string): void {
	process.stderr.write(`skep: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

function lowerFirst(text: string): string {
	return text.replace(/^(; )?([A-Z])(?=[a-z])/, (_, lead: string | undefined, letter: string) => {
		return (lead ?? '') + letter.toLowerCase();
	});
}
