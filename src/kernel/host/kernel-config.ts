/** How the running kernel was built: `CONFIG_*`. */

import {readFileSync} from 'node:fs';
import {gunzipSync} from 'node:zlib';

import {EbpfError} from '../../base/errors.js';
import {kernelRelease} from './kernel-version.js';

/** The kernel's configuration is nowhere to be read. */
export class KernelConfigError extends EbpfError {
	static {
		this.prototype.name = 'KernelConfigError';
	}

	readonly code = 'ERR_KERNEL_CONFIG';
}

const places = [
	'/proc/config.gz',
	`/boot/config-${kernelRelease}`,
	`/lib/modules/${kernelRelease}/config`,
];

/** The lines of a kernel's configuration, by name. */
export class KernelConfig {
	readonly #text: string;

	/** `text` as the kernel's build wrote it. */
	constructor(text: string) {
		this.#text = `\n${text}\n`;
	}

	/**
	 * The value as it is written there: `y`, `m`, `250`, `0x1000`, `"bbr"`; `n` where the line says
	 * that it is not set, undefined without a line.
	 */
	get(name: string): string | undefined {
		const set = this.#after(`\n${name}=`);
		if (set !== undefined) return set;
		return this.#text.includes(`\n# ${name} is not set\n`) ? 'n' : undefined;
	}

	#after(start: string): string | undefined {
		const at = this.#text.indexOf(start);
		if (at < 0) return undefined;
		const from = at + start.length;
		return this.#text.slice(from, this.#text.indexOf('\n', from));
	}
}

/**
 * The running kernel's configuration, from `/proc/config.gz` or `/boot`.
 *
 * *Throws:* `ERR_KERNEL_CONFIG` where it is in neither.
 */
export function readKernelConfig(paths: readonly string[] = places): KernelConfig {
	for (const path of paths) {
		let bytes;
		try {
			bytes = readFileSync(path);
		} catch {
			continue;
		}

		try {
			return new KernelConfig((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString());
		} catch (cause) {
			throw new KernelConfigError(`read kernel configuration "${path}": it is no gzip file`, {
				cause,
			});
		}
	}

	throw new KernelConfigError(
		`read kernel configuration: it is in none of ${paths.join(', ')} (CONFIG_IKCONFIG_PROC)`,
	);
}
