import type {Link} from '../../index.js';
import {reference} from '../arguments.js';

/** Opens what an argument names; the caller closes it. */
export async function openLink(text: string): Promise<Link> {
	const {openLinkById, openPinnedLink} = await import('../../index.js');
	const target = reference(text);
	return 'id' in target ? openLinkById(target.id) : openPinnedLink(target.path);
}
