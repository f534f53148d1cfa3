/** `skep doctor`: what stands in the way on this host. */

import type {Command} from 'commander';

import {outputOptions, printList, printOne, write} from './output/print.js';

export function addDoctor(noun: Command): void {
	noun.addHelpText('after', help).action(doctor);
}

const help = `
Looks at what programs and maps need, in the order in which it stops them, and
names the first thing that does. Exits with 1 where something stops them, with 0
where at most something else cannot be done.

Example:
  skep doctor
  skep doctor -o json`;

async function doctor(_: object, command: Command): Promise<void> {
	const {examineHost} = await import('../index.js');
	const diagnosis = examineHost();
	const {ok, cause, findings} = diagnosis;
	const output = outputOptions(command);
	if (!ok) process.exitCode = 1;
	if (output.output !== 'table') {
		await printOne(diagnosis, output);
		return;
	}

	await printList(findings, ({check, status, detail}) => ({check, status, detail}), output);
	const mends = findings.filter(({status, mend}) => status === 'limits' && mend !== undefined);
	write('\n');
	for (const {check, mend} of mends) write(`${check}: ${mend ?? ''}\n`);
	write(
		cause === undefined
			? 'nothing stands in the way of loading programs\n'
			: `${cause.check} stops programs: ${cause.detail}\n${cause.mend === undefined ? '' : `to mend it: ${cause.mend}\n`}`,
	);
}
