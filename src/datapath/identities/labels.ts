/** Identities found by their labels. */

import type {Identity} from './identities.js';

/**
 * Labels that an identity has to have, by key: `{app: 'web'}`. A key may name its source, `k8s:app`;
 * otherwise any will do. A label without a value has an empty one.
 */
export type Labels = Readonly<Record<string, string>>;

/** Which identities have which labels. */
export class LabelIndex {
	private readonly numbers = new Map<string, Set<number>>();

	constructor(identities: Iterable<Identity>) {
		for (const {id, labels} of identities) {
			for (const label of labels) {
				for (const name of namesOf(label)) {
					const known = this.numbers.get(name) ?? new Set();
					this.numbers.set(name, known.add(id));
				}
			}
		}
	}

	/** Numbers of the identities that have all of the labels, ascending. */
	find(labels: Labels): number[] {
		const [first, ...others] = Object.entries(labels).map(
			([key, value]) => this.numbers.get(nameOf(key, value)) ?? new Set<number>(),
		);
		const found = [...(first ?? [])].filter(id => others.every(other => other.has(id)));
		return found.sort((a, b) => a - b);
	}
}

/** As labels are asked for: with their source and without. */
function namesOf(label: string): string[] {
	const [, source = '', key = '', value = ''] = /^([^:=]*:)?([^=]*)=?(.*)$/s.exec(label) ?? [];
	return source === '' ? [nameOf(key, value)] : [nameOf(key, value), nameOf(source + key, value)];
}

const nameOf = (key: string, value: string): string => `${key}=${value}`;
