/** Values that global variables start with, where a load is told so. */

import {UsageError} from '../../base/errors.js';
import type {CollectionSpec, MapSpec} from '../../spec/types.js';
import type {VariableSpec} from '../../spec/variable.js';
import {NotFoundError} from './collection.js';

/**
 * A spec whose variables start with these values; the one that is given stays as it is.
 *
 * *Throws:* `ERR_NOT_FOUND`, with the nearest name there is; `ERR_USAGE` for a value that the type
 * cannot hold.
 */
export function withValues(
	spec: CollectionSpec,
	values: Readonly<Record<string, unknown>>,
): CollectionSpec {
	const maps = Object.assign(Object.create(null), spec.maps) as Record<string, MapSpec>;
	const variables = Object.assign(Object.create(null), spec.variables) as Record<
		string,
		VariableSpec
	>;
	const copied = new Set<string>();
	for (const [name, value] of Object.entries(values)) {
		const variable = spec.variables[name];
		if (variable === undefined) {
			throw new NotFoundError('variable', name, Object.keys(spec.variables));
		}

		const section = maps[variable.map];
		if (section?.contents === undefined) {
			throw new UsageError(
				`set variable "${name}": there is no map "${variable.map}" for it`,
			);
		}

		let {contents} = section;
		if (!copied.has(variable.map)) {
			contents = contents.slice();
			copied.add(variable.map);
			maps[variable.map] = {...section, contents};
		}

		const own = variable.in(contents);
		own.set(value);
		variables[name] = own;
	}

	return {...spec, maps, variables};
}
