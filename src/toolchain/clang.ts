import {existsSync} from 'node:fs';
import {ClangError} from './clang-error.js';
import {runProgram} from './run.js';

/** A compiler that can make BPF objects. */
export interface Clang {
	/** As it is started: a path, or a name found in `PATH`. */
	readonly path: string;
	/** `14.0.6`. */
	readonly version: string;
	readonly major: number;
}

export const minimumClang = 14;

const versions = Array.from({length: 6}, (_, index) => 19 - index);
const standardNames = [...versions.map(version => `clang-${version}`), 'clang'];
const install = 'apt-get install clang';

/**
 * The clang to use: `path` if given, else `$CLANG`, else the newest of clang-19 to clang-14, else
 * `clang`.
 *
 * *Throws:* `ERR_CLANG` when there is none, or it is older than 14.
 */
export async function findClang(path?: string, signal?: AbortSignal): Promise<Clang> {
	const asked = path ?? (process.env['CLANG'] || undefined);
	if (asked !== undefined) return checkVersion(asked, await readVersion(asked, signal));

	for (const name of standardNames) {
		const text = await readVersion(name, signal).catch((error: unknown) => {
			if (error instanceof ClangError) return undefined;
			throw error;
		});
		if (text !== undefined) return checkVersion(name, text);
	}

	throw new ClangError('clang', `not installed: ${install}`);
}

async function readVersion(path: string, signal?: AbortSignal): Promise<string> {
	try {
		const {stdout} = await runProgram(path, ['--version'], signal);
		return stdout;
	} catch (cause) {
		signal?.throwIfAborted();
		const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
		const detail = code === 'ENOENT' ? `no such program: ${install}` : `cannot start: ${code}`;
		throw new ClangError(path, detail, {cause});
	}
}

function checkVersion(path: string, text: string): Clang {
	const match = /clang version (\d+)(\.\d+)*/.exec(text);
	if (match === null) {
		const shown = JSON.stringify(text.split('\n', 1)[0]?.slice(0, 80) ?? '');
		throw new ClangError(path, `no clang: it calls itself ${shown}`);
	}

	const version = match[0].slice('clang version '.length);
	const major = Number(match[1]);
	if (major < minimumClang) {
		const detail = `version ${version} is too old, ${minimumClang} is needed: ${install}`;
		throw new ClangError(path, detail, {version});
	}

	return {path, version, major};
}

// Machine names of node: what bpf_tracing.h calls the machine, and Debian's folder of headers.
const machines: Partial<Record<NodeJS.Architecture, readonly [target: string, folder: string]>> = {
	arm: ['arm', 'arm-linux-gnueabihf'],
	arm64: ['arm64', 'aarch64-linux-gnu'],
	ia32: ['x86', 'i386-linux-gnu'],
	loong64: ['loongarch', 'loongarch64-linux-gnu'],
	mips: ['mips', 'mips-linux-gnu'],
	mipsel: ['mips', 'mipsel-linux-gnu'],
	ppc64: ['powerpc', 'powerpc64le-linux-gnu'],
	riscv64: ['riscv', 'riscv64-linux-gnu'],
	s390x: ['s390', 's390x-linux-gnu'],
	x64: ['x86', 'x86_64-linux-gnu'],
};

/** The flags every object is compiled with, before the caller's own. */
export function defaultFlags(machine: NodeJS.Architecture = process.arch): string[] {
	const flags = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3'];
	// Debian keeps asm/types.h, which linux/types.h includes, in a folder per machine.
	const [target, folder] = machines[machine] ?? [];
	if (target !== undefined) flags.push(`-D__TARGET_ARCH_${target}`);
	const headers = `/usr/include/${folder ?? ''}`;
	if (folder !== undefined && existsSync(`${headers}/asm/types.h`)) flags.push(`-I${headers}`);
	return flags;
}
