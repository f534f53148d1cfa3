import {run} from './run.js';

/** What bpftool says of a link. */
export async function showLink(link: {
	info(): {readonly id: number};
}): Promise<Record<string, unknown>> {
	const shown = await run('bpftool', '-j', 'link', 'show', 'id', String(link.info().id));
	return JSON.parse(shown) as Record<string, unknown>;
}
