/** `skep link`: what holds programs to their hooks. */

import type {Command} from 'commander';

import type {LinkInfo} from '../index.js';
import {addAttach} from './link/attach.js';
import {openLink} from './link/open.js';
import {addUpdate} from './link/update.js';
import {example} from './output/example.js';
import {outputOptions, printList, printOne} from './output/print.js';
import {addPinVerb} from './pin-verb.js';

export function addLinkVerbs(link: Command): void {
	link.command('list')
		.description('all links of this host')
		.addHelpText('after', example('skep link list'))
		.action(list);

	const show = link
		.command('show')
		.alias('dump')
		.description('one link, with its target, pins and holders')
		.argument('<link>', 'id, or path of a pin');
	show.addHelpText('after', example('skep link show /sys/fs/bpf/lb/link')).action(showOne);

	addAttach(link);
	addUpdate(link);
	addPinVerb(link, openLink);
	link.command('detach')
		.description('detach the program at once, also from a pinned link')
		.argument('<link>', 'id, or path of a pin')
		.addHelpText('after', example('skep link detach 7'))
		.action(detach);
}

/** Where a link leads, in the words of its type. */
function targetOf(link: LinkInfo): string {
	if (link.ifindex !== undefined) return link.ifindex === 0 ? 'gone' : `ifindex ${link.ifindex}`;
	if (link.cgroupId !== undefined)
		return link.cgroupId === 0n ? 'gone' : `cgroup ${link.cgroupId}`;
	if (link.netnsInode !== undefined) return `netns ${link.netnsInode}`;
	if (link.mapId !== undefined) return `map ${link.mapId}`;
	return link.targetName ?? '-';
}

async function list(_: unknown, command: Command): Promise<void> {
	const {listLinks, listPins} = await import('../index.js');
	const pins = new Map(
		[...listPins()].filter(pin => pin.kind === 'link').map(pin => [pin.id, pin.path]),
	);
	const links = [...listLinks()].map(each => ({...each, pin: pins.get(each.id)}));
	await printList(
		links,
		each => ({
			id: each.id,
			type: each.type,
			prog: each.programId,
			attach: each.attachType ?? '-',
			target: targetOf(each),
			pin: each.pin ?? '-',
		}),
		outputOptions(command),
	);
}

async function showOne(text: string, _: unknown, command: Command): Promise<void> {
	const {findHolders, listPins} = await import('../index.js');
	using link = await openLink(text);
	const info = link.info();
	await printOne(
		{
			...info,
			pins: [...listPins()]
				.filter(pin => pin.kind === 'link' && pin.id === info.id)
				.map(pin => pin.path),
			holders: (findHolders('link').get(info.id) ?? [])
				.filter(({pid}) => pid !== process.pid)
				.map(({pid, command: name}) => `${name}(${pid})`),
		},
		outputOptions(command),
	);
}

async function detach(text: string): Promise<void> {
	using link = await openLink(text);
	link.detach();
}
