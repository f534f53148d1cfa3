/** TypeScript for one object: types of its maps, variables and programs, and a function that loads it. */

import {createHash} from 'node:crypto';

import {isEbpfError, UsageError} from '../base/errors.js';
import type {Btf} from '../format/btf/btf.js';
import {createCodec} from '../format/codec/codec.js';
import type {CollectionSpec, MapSpec} from '../spec/types.js';
import {holdsFds, isIndexed, isKeyless, isPerCpu} from '../uapi/map-kinds.js';
import {GeneratedError} from './gen-error.js';
import {comment, propertyName, TypeWriter} from './gen-types.js';

/** What the generated module is to hold. */
export interface GenerateOptions {
	/** Where the module finds its object, from its own place: `./flows.bpf.o`. */
	readonly object?: string;
	/** More C types to write, by name, besides those of maps and variables. */
	readonly types?: readonly string[];
	/** What the module imports skep from; `skep` unless given. */
	readonly from?: string;
}

/** What a generated module says of itself. */
export interface Generated {
	/** Of the module's text; see `checkGenerated`. */
	readonly format: number;
	/** Of all that it says about the object's types. */
	readonly signature: string;
	/** The types that were asked for besides those of maps and variables. */
	readonly types: readonly string[];
}

const format = 1;

/**
 * The text of a module with the types of the object's maps, variables and programs, each field as
 * its codec reads it, and `load`, which gives the loaded object under these types.
 *
 * A union has all its members, as when it is read; one that is written needs a cast, since any of
 * them will do. *Throws:* `ERR_USAGE` for a type that the object does not have.
 */
export function generateModule(spec: CollectionSpec, options: GenerateOptions = {}): string {
	const {object = `./${spec.name}.bpf.o`, from = 'skep', types = []} = options;
	const body = bodyOf(spec, types);
	// Who lints what is generated wants no imports that nothing uses.
	const imports = [
		...(body.includes(': BpfMap<') ? ['type BpfMap'] : []),
		'checkGenerated',
		'type Collection',
		'loadCollectionAsync',
		'type LoadCollectionOptions',
		...(body.includes(': Program;') ? ['type Program'] : []),
		'readObject',
		'type Variable',
	];
	const facts = JSON.stringify({format, signature: signatureOf(body), types});
	return `/** Types of ${comment(JSON.stringify(spec.name))}, written by "skep object gen": changes will be lost. */

import {fileURLToPath} from 'node:url';

import {
${imports.map(name => `\t${name},\n`).join('')}} from ${literal(from)};

const generated = ${facts} as const;

${body}
/** Global variables. */
export type Variables = {readonly [Name in keyof Values]: Variable<Values[Name]>};

/** The loaded object. */
export interface Loaded extends Omit<Collection, 'maps' | 'programs' | 'variables'> {
	readonly maps: Maps;
	readonly programs: Programs;
	readonly variables: Variables;
}

export interface LoadOptions extends LoadCollectionOptions {
	/** The object file; where it was when this was written unless given. */
	readonly object?: string | URL;
	/** Values that variables, constants included, start with. */
	readonly values?: Partial<Values>;
}

/** Loads the object, which must be the one that this was written for. */
export async function load(options: LoadOptions = {}): Promise<Loaded> {
	const {object = new URL(${literal(object)}, import.meta.url), values = {}, ...rest} = options;
	const spec = await readObject(object instanceof URL ? fileURLToPath(object) : object);
	checkGenerated(spec, generated);
	for (const [name, value] of Object.entries(values)) spec.variables[name]?.set(value);
	return (await loadCollectionAsync(spec, rest)) as unknown as Loaded;
}
`;
}

/**
 * Makes sure that a generated module says what `spec` says, so that no field is read from a place
 * where it used to be. *Throws:* `ERR_GENERATED`.
 */
export function checkGenerated(spec: CollectionSpec, generated: Generated): void {
	if (generated.format !== format) {
		throw new GeneratedError(spec.name, `their format is ${generated.format}, not ${format}`);
	}

	let signature;
	try {
		signature = signatureOf(bodyOf(spec, generated.types));
	} catch (error) {
		if (!(error instanceof UsageError)) throw error;
	}

	if (signature !== generated.signature) {
		throw new GeneratedError(spec.name, 'the object has changed since they were written');
	}
}

function literal(text: string): string {
	return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function signatureOf(body: string): string {
	return createHash('sha256').update(body).digest('hex').slice(0, 32);
}

function bodyOf(spec: CollectionSpec, types: readonly string[]): string {
	const writer = spec.types === undefined ? undefined : new TypeWriter(spec.types);
	const valueType = (typeId: number, size: number): string =>
		spec.types !== undefined && writer !== undefined && hasCodec(spec.types, typeId, size)
			? writer.reference(typeId)
			: 'Uint8Array';
	for (const name of types) {
		const id = spec.types?.findAll(name)[0];
		if (spec.types === undefined || id === undefined) {
			throw new UsageError(`generate types of "${spec.name}": it has no type "${name}"`);
		}

		if (!hasCodec(spec.types, id)) {
			throw new UsageError(
				`generate types of "${spec.name}": "${name}" is no type of values`,
			);
		}

		writer?.reference(id);
	}

	const maps = Object.entries(spec.maps)
		.filter(([, {contents}]) => contents === undefined)
		.map(([name, map]) => [name, map.type, mapType(map, valueType)] as const);
	const variables = Object.values(spec.variables).map(({name, typeId, size, constant}) => {
		const what = constant ? 'A constant, set before load' : `${size} bytes`;
		return [name, what, valueType(typeId, size)] as const;
	});
	const programs = Object.values(spec.programs).map(({name, section}) => {
		return [name, section, 'Program'] as const;
	});
	const declarations = writer?.declarations ?? '';
	return [
		...(declarations === '' ? [] : [declarations]),
		record('Maps', 'Maps by their names in the object.', maps, true),
		record('Programs', 'Programs by their names in the object.', programs, true),
		record('Values', 'What global variables hold.', variables, false),
	].join('\n');
}

function record(
	name: string,
	what: string,
	rows: readonly (readonly [name: string, comment: string, type: string])[],
	isReadonly: boolean,
): string {
	const lines = rows.map(([field, about, type]) => {
		const word = isReadonly ? 'readonly ' : '';
		return `\t/** ${comment(about)}. */\n\t${word}${propertyName(field)}: ${type};\n`;
	});
	return `/** ${what} */\nexport interface ${name} {\n${lines.join('')}}\n`;
}

function mapType(map: MapSpec, valueType: (typeId: number, size: number) => string): string {
	const {type, keySize, valueSize, keyTypeId, valueTypeId} = map;
	const hasKey = !isKeyless(type) && keySize > 0;
	const key = !hasKey ? 'Uint8Array' : isIndexed(type) ? 'number' : valueType(keyTypeId, keySize);
	const value = valueType(valueTypeId, valueSize);
	if (holdsFds(type)) return `BpfMap<${key}, number | {readonly fd: number}>`;
	if (!isPerCpu(type)) return `BpfMap<${key}, ${value}>`;
	return `BpfMap<${key}, ${value.includes('|') ? `(${value})` : value}[]>`;
}

/** What has no codec, or one of another size, is read as bytes. */
function hasCodec(btf: Btf, typeId: number, size?: number): boolean {
	if (typeId === 0) return false;
	try {
		const codec = createCodec(btf, typeId);
		return size === undefined || codec.size === size;
	} catch (error) {
		if (isEbpfError(error)) return false;
		throw error;
	}
}
