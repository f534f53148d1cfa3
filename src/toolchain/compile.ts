import {access, constants, mkdtemp, readFile, rename, rm} from 'node:fs/promises';
import {dirname, join, resolve} from 'node:path';
import {UsageError} from '../base/errors.js';
import {nearest} from '../base/suggest.js';
import {type Clang, defaultFlags, findClang} from './clang.js';
import {CompileError} from './compile-error.js';
import {type Diagnostic, parseDependencies, parseDiagnostics} from './diagnostics.js';
import {runProgram} from './run.js';

/** How clang is to compile. */
export interface CompileOptions {
	/** Where the object goes; next to the source, with `.o` for `.c`, by default. */
	readonly output?: string;
	/** Which clang; see `findClang`. */
	readonly clang?: string;
	/** Folders of headers: `-I`. */
	readonly include?: readonly string[];
	/** Macros: `-D`; `true` defines one without a value. */
	readonly define?: Readonly<Record<string, string | number | true>>;
	/** More of clang's flags, after all others. */
	readonly flags?: readonly string[];
	/** Keep DWARF beside BTF; false by default. */
	readonly debug?: boolean;
	/** Stops clang; nothing is written. */
	readonly signal?: AbortSignal;
}

/** What clang made, and what it warned of. */
export interface CompileResult {
	readonly output: string;
	readonly warnings: readonly Diagnostic[];
	readonly clang: Clang;
	/** The source and every header it included. */
	readonly dependencies: readonly string[];
	/** False where DWARF is still inside: `debug`, or no llvm-strip was found. */
	readonly stripped: boolean;
}

const known = ['output', 'clang', 'include', 'define', 'flags', 'debug', 'signal'];

/**
 * Compiles BPF C into an object file, with BTF and without DWARF. The object appears whole or not
 * at all, under the name of the output.
 *
 * *Throws:* `ERR_CLANG`, `ERR_COMPILE`; `ERR_USAGE` for an unknown option; `signal.reason`.
 */
export async function compileObject(
	source: string,
	options: CompileOptions = {},
): Promise<CompileResult> {
	checkOptions(source, options);
	const {signal, debug = false} = options;
	const output = objectPath(source, options);
	const clang = await findClang(options.clang, signal);
	await checkSource(source);
	const folder = await makeFolder(source, output);
	try {
		const object = join(folder, 'object.o');
		const rule = join(folder, 'rule.d');
		const args = [
			...compileFlags(options),
			'-MD',
			'-MF',
			rule,
			'-c',
			'-o',
			object,
			'--',
			source,
		];
		const {status, signal: killed, stderr} = await runProgram(clang.path, args, signal);
		if (status !== 0) {
			const fallback =
				killed === null ? `clang exited with ${status}` : `clang got ${killed}`;
			throw new CompileError(source, stderr, fallback);
		}

		const stripped = !debug && (await strip(clang, object, signal));
		const dependencies = parseDependencies(await readFile(rule, 'utf8'));
		signal?.throwIfAborted();
		await rename(object, output);
		const warnings = parseDiagnostics(stderr).filter(each => each.severity === 'warning');
		return {output, warnings, clang, dependencies, stripped};
	} catch (cause) {
		if (cause instanceof CompileError || signal?.aborted === true) throw cause;
		throw new CompileError(source, '', (cause as Error).message, cause);
	} finally {
		await rm(folder, {recursive: true, force: true});
	}
}

/** Where the object of a source goes. */
export function objectPath(source: string, {output}: CompileOptions): string {
	return output ?? `${source.replace(/\.c$/, '')}.o`;
}

function checkOptions(source: string, options: CompileOptions): void {
	for (const key of Object.keys(options)) {
		if (known.includes(key)) continue;
		const near = nearest(key, known);
		const hint = near === undefined ? '' : `, did you mean "${near}"?`;
		throw new UsageError(`compile "${source}": no option "${key}"${hint}`);
	}
}

async function checkSource(source: string): Promise<void> {
	try {
		await access(source, constants.R_OK);
	} catch (cause) {
		const {code} = cause as NodeJS.ErrnoException;
		const detail = code === 'ENOENT' ? 'no such file' : `cannot read it: ${code ?? 'error'}`;
		throw new CompileError(source, '', detail, cause);
	}
}

/** Beside the output, so that a rename moves the object there in one step. */
async function makeFolder(source: string, output: string): Promise<string> {
	try {
		return await mkdtemp(join(dirname(resolve(output)), '.skep-compile-'));
	} catch (cause) {
		const {code = 'error'} = cause as NodeJS.ErrnoException;
		throw new CompileError(source, '', `cannot write "${output}": ${code}`, cause);
	}
}

/** All flags but those that say what to read and where to write. */
export function compileFlags({include = [], define = {}, flags = []}: CompileOptions): string[] {
	return [
		...defaultFlags(),
		// The same object from the same source, wherever the folder lies.
		'-fdebug-compilation-dir=.',
		'-fno-color-diagnostics',
		...include.map(folder => `-I${folder}`),
		...Object.entries(define).map(([name, value]) =>
			value === true ? `-D${name}` : `-D${name}=${value}`,
		),
		...flags,
	];
}

async function strip(clang: Clang, object: string, signal?: AbortSignal): Promise<boolean> {
	const name = clang.path.includes('/') ? join(dirname(clang.path), 'llvm-strip') : 'llvm-strip';
	for (const program of [`llvm-strip-${clang.major}`, name, 'llvm-strip']) {
		try {
			const {status} = await runProgram(program, ['-g', object], signal);
			if (status === 0) return true;
		} catch {
			signal?.throwIfAborted();
		}
	}

	return false;
}
