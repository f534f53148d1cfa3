/** `skep link`: what holds programs to their hooks. */

import type {Command} from 'commander';

import type {Link, LinkInfo} from '../index.js';
import {reference} from './arguments.js';
import {example} from './output/example.js';
import {outputOptions, printList, printOne} from './output/print.js';
import {openProgram} from './prog/open.js';

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

	link.command('update')
		.description('replace the program of a link atomically: each event meets one of the two')
		.argument('<link>', 'id, or path of a pin')
		.argument('<prog>', 'id, or path of a pin')
		.option('--expected <prog>', 'only when this program is attached now')
		.addHelpText('after', example('skep link update 7 /sys/fs/bpf/lb/entry --expected 42'))
		.action(update);

	link.command('pin')
		.description('keep a link, and its program attached, by a path in a bpf filesystem')
		.argument('<link>', 'id, or path of a pin')
		.argument('<path>', 'path of the new pin')
		.addHelpText('after', example('skep link pin 7 /sys/fs/bpf/lb/link'))
		.action(pin);

	link.command('unpin')
		.description('remove a pin; the program is detached when it was the last to hold the link')
		.argument('<path>', 'path of the pin')
		.addHelpText('after', example('skep link unpin /sys/fs/bpf/lb/link'))
		.action(unpin);

	link.command('detach')
		.description('detach the program at once, also from a pinned link')
		.argument('<link>', 'id, or path of a pin')
		.addHelpText('after', example('skep link detach 7'))
		.action(detach);
}

async function open(text: string): Promise<Link> {
	const {openLinkById, openPinnedLink} = await import('../index.js');
	const target = reference(text);
	return 'id' in target ? openLinkById(target.id) : openPinnedLink(target.path);
}

/** Where a link leads, in the words of its type. */
function targetOf(link: LinkInfo): string {
	const {netfilter, event, eventType, path, offset, offsets, addresses} = link;
	if (link.ifindex !== undefined) return link.ifindex === 0 ? 'gone' : `ifindex ${link.ifindex}`;
	if (link.cgroupId !== undefined) return `cgroup ${link.cgroupId}`;
	if (link.netnsInode !== undefined) {
		return link.netnsInode === 0 ? 'gone' : `netns ${link.netnsInode}`;
	}

	if (netfilter !== undefined) {
		return `${netfilter.family} ${netfilter.hook} ${netfilter.priority}`;
	}

	if (event !== undefined) return `event ${event.type}:${event.config}`;
	if (offsets !== undefined) return `${offsets.length} places of ${path ?? '?'}`;
	if (addresses !== undefined) return `${addresses.length} functions`;
	if (path !== undefined) return `${eventType ?? 'uprobe'} ${path}+${offset ?? 0}`;
	if (eventType !== undefined) {
		return `${eventType} ${link.targetName ?? '?'}${offset ? `+${offset}` : ''}`;
	}

	if (link.targetBtfId !== undefined) {
		return `type ${link.targetBtfId} of btf ${link.targetObjectId ?? 0}`;
	}

	const map = link.mapId === undefined ? [] : [`map ${link.mapId}`];
	return [...(link.targetName === undefined ? [] : [link.targetName]), ...map].join(' ') || '-';
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
	using link = await open(text);
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
	using link = await open(text);
	link.detach();
}

async function update(text: string, to: string, options: {expected?: string}): Promise<void> {
	using link = await open(text);
	using program = await openProgram(to);
	using expected =
		options.expected === undefined ? undefined : await openProgram(options.expected);
	link.update(program, expected === undefined ? {} : {expected});
}

async function pin(text: string, path: string): Promise<void> {
	using link = await open(text);
	link.pin(path);
}

async function unpin(path: string): Promise<void> {
	const {openPinnedLink} = await import('../index.js');
	// Nothing but the pin of a link is removed.
	using link = openPinnedLink(path);
	link.unpin(path);
}
