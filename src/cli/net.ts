/** `skep net`: what is attached where, in which order, by whom. */

import type {Command} from 'commander';

import type {Hook} from '../index.js';
import {pathOrPid} from './hook-target.js';
import {outputOptions, printList} from './output/print.js';

export function addNet(noun: Command): void {
	noun.option(
		'--netns <path|pid>',
		'devices of this network namespace: its path, or a process in it',
	)
		.option('--cgroup <path>', 'only this cgroup and those below it')
		.addHelpText('after', '\nExample:\n  skep net --netns /run/netns/red')
		.action(net);
}

interface NetOptions {
	readonly netns?: string;
	readonly cgroup?: string;
}

async function net(options: NetOptions, command: Command): Promise<void> {
	const {findHolders, listCgroupHooks, listInterfaceHooks, listPins, listPrograms} =
		await import('../index.js');
	const programs = new Map([...listPrograms()].map(each => [each.id, each]));
	const pins = [...listPins()];
	const holders = {prog: findHolders('prog'), link: findHolders('link')};
	const devices = listInterfaceHooks(namespaceOf(options));
	const hooks = [
		...(options.cgroup === undefined ? devices : []),
		...(options.netns === undefined || options.cgroup !== undefined
			? listCgroupHooks(options.cgroup)
			: []),
	];
	const rows = hooks.flatMap(hook =>
		hook.programs.flatMap(({programId, linkId}, order): Row[] => {
			const held = [
				...(linkId === undefined ? [] : (holders.link.get(linkId) ?? [])),
				...(holders.prog.get(programId) ?? []),
			];
			const row = {
				hook:
					hook.kind === 'clsact'
						? hook.attachType.replace('tcx_', 'clsact ')
						: hook.attachType,
				...(hook.filters === undefined ? {} : {filter: hook.filters[order]}),
				...(hook.mode === undefined ? {} : {mode: hook.mode}),
				target: hook.target,
				order: order + 1,
				program: programs.get(programId)?.name ?? '-',
				programId,
				tag: programs.get(programId)?.tag,
				linkId,
				pins: pins
					.filter(
						pin =>
							(pin.kind === 'link' && pin.id === linkId) ||
							(pin.kind === 'program' && pin.id === programId),
					)
					.map(pin => pin.path),
				processes: [
					...new Set(
						held
							.filter(({pid}) => pid !== process.pid)
							.map(each => `${each.command}(${each.pid})`),
					),
				],
			};
			return [row, ...dispatched(row, hook.dispatcher)];
		}),
	);
	await printList(
		rows,
		each => ({
			target: each.target,
			hook: describe(each),
			order: each.slot === undefined ? each.order : `${each.order}.${each.slot}`,
			program: each.program,
			id: each.programId ?? '-',
			link: each.linkId ?? '-',
			by: [...each.pins, ...each.processes].join(' ') || '-',
		}),
		outputOptions(command),
	);
}

function namespaceOf({netns}: NetOptions): {netns?: string | number} {
	if (netns === undefined) return {};
	return {netns: pathOrPid(netns)};
}

/** One program on one hook. */
interface Row {
	readonly hook: string;
	readonly mode?: string;
	readonly filter?: {readonly priority: number; readonly handle: number} | undefined;
	readonly target: string;
	readonly order: number;
	/** Its place among the programs that the one on the hook runs, and whose dispatcher that is. */
	readonly slot?: number;
	readonly dispatcher?: string;
	readonly priority?: number;
	readonly chain?: readonly string[];
	readonly program: string;
	readonly programId: number | undefined;
	readonly tag?: string | undefined;
	readonly linkId: number | undefined;
	readonly pins: readonly string[];
	readonly processes: readonly string[];
}

/** The programs that a dispatcher runs, as rows below its own. */
function dispatched(row: Row, dispatcher: Hook['dispatcher']): Row[] {
	const {hook, mode, target, order} = row;
	return (dispatcher?.members ?? []).map(({name, programId, linkId, priority, chain}, i) => ({
		hook,
		...(mode === undefined ? {} : {mode}),
		target,
		order,
		slot: i + 1,
		...(dispatcher === undefined ? {} : {dispatcher: dispatcher.by}),
		priority,
		chain,
		program: name ?? '-',
		programId,
		linkId,
		pins: [],
		processes: [],
	}));
}

/** `xdp native`, `xdp native prio 50`, `clsact ingress prio 50 handle 1`. */
function describe({hook, mode, filter, priority}: Row): string {
	const where = mode === undefined ? hook : `${hook} ${mode}`;
	if (priority !== undefined) return `${where} prio ${priority}`;
	if (filter === undefined) return where;
	return `${where} prio ${filter.priority} handle ${filter.handle}`;
}
