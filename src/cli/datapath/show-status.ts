/** What is there of a datapath, for a person and for programs. */

import type {DatapathHook, DatapathStatus} from '../../datapath/index.js';
import {printOne, write, type OutputOptions} from '../output/print.js';
import {formatTable} from '../output/table.js';

/** Prints the state, the numbers of what is there, and the hooks as a table. */
export async function showStatus(status: DatapathStatus, output: OutputOptions): Promise<void> {
	if (output.output !== 'table') {
		await printOne(status, output);
		return;
	}

	const {root, state, programs, hooks, maps, settings} = status;
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
			settings: settings && wordsOf(settings),
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

/** Settings as words: `mtu=9000`, `nat.ipv4=192.0.2.1`. */
function wordsOf(settings: object, path = ''): string[] {
	return Object.entries(settings).flatMap(([name, value]: [string, unknown]) => {
		if (Array.isArray(value))
			return value.length === 0 ? [] : [`${path}${name}=${value.join(',')}`];
		if (typeof value === 'object' && value !== null) return wordsOf(value, `${path}${name}.`);
		return [`${path}${name}=${String(value)}`];
	});
}
