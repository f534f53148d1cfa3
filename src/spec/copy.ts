import {configVariables} from './data-sections.js';
import type {CollectionSpec, MapSpec, StructOpsSpec} from './types.js';
import type {VariableSpec} from './variable.js';

/** A copy whose variables, maps and programs can be changed without changing those of `spec`. */
export function copyCollectionSpec(spec: CollectionSpec): CollectionSpec {
	const maps = copyRecord(spec.maps, copyMap);
	const variables = copyRecord(spec.variables, variable => copyVariable(variable, maps));
	return {
		...spec,
		maps,
		programs: copyRecord(spec.programs, program => ({
			...program,
			instructions: program.instructions.slice(),
			references: [...program.references],
			externs: [...program.externs],
			functions: [...program.functions],
			lines: [...program.lines],
			coreRelocations: [...program.coreRelocations],
		})),
		variables,
		config: configVariables(variables),
	};
}

function copyMap(map: MapSpec): MapSpec {
	return {
		...map,
		...(map.inner === undefined ? {} : {inner: copyMap(map.inner)}),
		...(map.slots === undefined ? {} : {slots: new Map(map.slots)}),
		...(map.structOps === undefined ? {} : {structOps: copyStructOps(map.structOps)}),
		...(map.contents === undefined ? {} : {contents: map.contents.slice()}),
	};
}

function copyStructOps(ops: StructOpsSpec): StructOpsSpec {
	return {...ops, contents: ops.contents.slice(), functions: new Map(ops.functions)};
}

function copyVariable(
	variable: VariableSpec,
	maps: Readonly<Record<string, MapSpec>>,
): VariableSpec {
	const contents = maps[variable.map]?.contents;
	return variable.in(contents ?? new Uint8Array(variable.offset + variable.size));
}

/** A record without a prototype, as all of a spec's. */
function copyRecord<T>(
	record: Readonly<Record<string, T>>,
	copy: (value: T) => T,
): Record<string, T> {
	const copied = Object.create(null) as Record<string, T>;
	for (const [key, value] of Object.entries(record)) copied[key] = copy(value);
	return copied;
}
