import type {LinkType} from '../../uapi/link-types.js';
import {listLinks} from './list-links.js';

/** `: link 12 of program 40` when a link of that type holds the interface, else empty. */
export function describeOwner(type: LinkType, ifindex: number): string {
	for (const link of listLinks()) {
		if (link.type === type && link.ifindex === ifindex) {
			return `: link ${link.id} of program ${link.programId}`;
		}
	}

	return '';
}
