/** What is there of a datapath, for a person and for programs. */

import {existsSync} from 'node:fs';
import {join} from 'node:path';

import type {DatapathHook, DatapathStatus} from '../../datapath/index.js';
import {printOne, write, type OutputOptions} from '../output/print.js';
import {formatTable} from '../output/table.js';

/** Prints the state, the numbers of what is there, and the hooks as a table. */
export async function showStatus(status: DatapathStatus, output: OutputOptions): Promise<void> {
	if (output.output !== 'table') {
		await printOne(status, output);
		return;
	}

	const {root, state, programs, hooks, maps} = status;
	const endpoints = new Set(
		hooks.filter(({kind}) => kind === 'endpoint').map(({where}) => where),
	);
	await printOne(
		{
			state,
			root,
			programs: programs.map(({name, id}) => `${name}(${id})`),
			maps: maps.filter(name => !name.startsWith('policy_v2_')).length,
			endpoints: endpoints.size,
		},
		output,
	);
	if (hooks.length > 0) write(`\n${formatTable(hooks.map(rowOf))}`);
}

function rowOf({kind, where, program, programId, current, mode}: DatapathHook) {
	const state =
		programId === 0
			? `${kind === 'cgroup' ? kind : 'interface'} gone`
			: current
				? 'current'
				: 'older program';
	return {
		kind: mode === undefined ? kind : `${kind} ${mode}`,
		where,
		program,
		id: programId,
		state,
	};
}

/** Whether there is a datapath that can be upgraded. */
export const isThere = (root: string): boolean => existsSync(join(root, 'programs'));
