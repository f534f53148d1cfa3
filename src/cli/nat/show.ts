/** Translations as text. */

import type {Translation} from '../../datapath/index.js';
import {endText} from '../ct/show.js';
import type {Row} from '../output/table.js';

/** What a terminal has room for. */
export function rowOf(translation: Translation): Row {
	const {direction, needsCt, age} = translation;
	return {
		proto: translation.protocol.toUpperCase(),
		dir: direction.toUpperCase(),
		source: endText(translation.source, translation.sourcePort),
		destination: endText(translation.destination, translation.destinationPort),
		becomes: direction === 'out' ? 'source' : 'destination',
		to: endText(translation.toAddress, translation.toPort),
		age: `${age}s`,
		node: needsCt ? 'yes' : '-',
	};
}

/** All of it on one line, as other tools print it. */
export function longText(translation: Translation): string {
	const {protocol, direction, age, needsCt} = translation;
	const source = endText(translation.source, translation.sourcePort);
	const destination = endText(translation.destination, translation.destinationPort);
	const what = direction === 'out' ? 'XLATE_SRC' : 'XLATE_DST';
	const to = endText(translation.toAddress, translation.toPort);
	return `${protocol.toUpperCase()} ${direction.toUpperCase()} ${source} -> ${destination} ${what} ${to} Created=${age}sec ago NeedsCT=${Number(needsCt)}`;
}
