/** `skep net`: what is attached where, in which order, by whom. */

import type {Command} from 'commander';

import {outputOptions, printList} from './output/print.js';

export function addNet(noun: Command): void {
	noun.option('--netns <path>', 'devices of this network namespace')
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
	const devices = listInterfaceHooks(options.netns === undefined ? {} : {netns: options.netns});
	const hooks = [
		...(options.cgroup === undefined ? devices : []),
		...(options.netns === undefined || options.cgroup !== undefined
			? listCgroupHooks(options.cgroup)
			: []),
	];
	const rows = hooks.flatMap(hook =>
		hook.programs.map(({programId, linkId}, order) => {
			const held = [
				...(linkId === undefined ? [] : (holders.link.get(linkId) ?? [])),
				...(holders.prog.get(programId) ?? []),
			];
			return {
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
		}),
	);
	await printList(
		rows,
		each => ({
			target: each.target,
			hook: describe(each),
			order: each.order,
			program: each.program,
			id: each.programId,
			link: each.linkId ?? '-',
			by: [...each.pins, ...each.processes].join(' ') || '-',
		}),
		outputOptions(command),
	);
}

/** `xdp native`, `clsact ingress prio 50 handle 1`. */
function describe(row: {
	readonly hook: string;
	readonly mode?: string;
	readonly filter?: {readonly priority: number; readonly handle: number} | undefined;
}): string {
	if (row.mode !== undefined) return `${row.hook} ${row.mode}`;
	if (row.filter === undefined) return row.hook;
	return `${row.hook} prio ${row.filter.priority} handle ${row.filter.handle}`;
}
