/** `skep link attach`. */

import {Option, type Command} from 'commander';

import {hookHelp, hookTarget} from '../hook-target.js';
import {outputOptions, printOne} from '../output/print.js';
import {openProgram} from '../prog/open.js';

const policies = ['create', 'replace', 'adopt'] as const;

export function addAttach(link: Command): void {
	link.command('attach')
		.description('make a program run on a hook, in the place of its predecessor there')
		.argument('<prog>', 'id, or path of a pin')
		.argument('[hook]', 'where, see below')
		.requiredOption('--pin <path>', 'where the link is pinned, which keeps it')
		.option('--netns <path|pid>', "the device's network namespace")
		.addOption(
			new Option(
				'--policy <policy>',
				'a predecessor of the same name or pin is refused, replaced, or kept if it is the same program',
			)
				.choices(policies)
				.default('replace'),
		)
		.addHelpText(
			'after',
			`
${hookHelp}
Programs of fentry, fexit, tp_btf and lsm need none: they were loaded for it.

Examples:
  skep link attach /sys/fs/bpf/lb/entry xdp:eth0 --pin /sys/fs/bpf/lb/link
  skep link attach 42 cgroup_inet4_connect:/sys/fs/cgroup/a --pin /sys/fs/bpf/a`,
		)
		.action(attachOne);
}

interface AttachOptions {
	readonly pin: string;
	readonly netns?: string;
	readonly policy: (typeof policies)[number];
}

async function attachOne(
	text: string,
	hook: string | undefined,
	{pin, netns, policy}: AttachOptions,
	command: Command,
): Promise<void> {
	const {attach, attachTypes} = await import('../../index.js');
	const target = hook === undefined ? undefined : hookTarget(hook, attachTypes, netns);
	using program = await openProgram(text);
	const {how, previousId, ...attached} = attach(program, target, {pin, policy});
	using link = attached.link;
	const {mechanism} = link;
	const isLink = mechanism === 'link';
	await printOne(
		{
			how,
			program: program.info().id,
			previous: previousId,
			mechanism,
			...(isLink ? {link: link.info().id, pin} : {}),
		},
		outputOptions(command),
	);
}
