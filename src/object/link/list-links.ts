import {linkInfo, type LinkInfo} from '../../kernel/sys/link-info.js';
import {listObjects} from '../list/list-objects.js';

/** All links of the host, by ascending id. *Throws:* `ERR_SYSCALL`. *Kernel:* 5.8. */
export function* listLinks(): Generator<LinkInfo> {
	yield* listObjects('link', linkInfo);
}
