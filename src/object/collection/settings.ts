/** Values of the kernel's settings that an object asks for: the bytes of `.kconfig`. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {UsageError} from '../../base/errors.js';
import {nearest} from '../../base/suggest.js';
import type {Btf} from '../../format/btf/btf.js';
import {
	KernelConfigError,
	type KernelConfig,
	readKernelConfig,
} from '../../kernel/host/kernel-config.js';
import {haveAttachCookie, haveSyscallWrapper} from '../../kernel/features/object-features.js';
import {kernelVersionCode} from '../../kernel/host/kernel-version.js';
import {settingsSection} from '../../spec/names.js';
import {SpecError} from '../../spec/spec-error.js';
import type {CollectionSpec, ExternSpec} from '../../spec/types.js';

/** A setting's value: true for `y`, or as a configuration writes it: `m`, `0x40`, `some text`. */
export type SettingValue = boolean | number | bigint | string;

/** Where settings come from; the running kernel unless given. */
export interface SettingSources {
	readonly config: () => KernelConfig;
	readonly version: () => number;
	readonly hasAttachCookie: () => boolean;
	readonly hasSyscallWrapper: () => boolean;
}

const runningKernel: SettingSources = {
	config: readKernelConfig,
	version: kernelVersionCode,
	hasAttachCookie: haveAttachCookie,
	hasSyscallWrapper: haveSyscallWrapper,
};

/**
 * The bytes of `.kconfig` for this kernel; undefined for an object without settings. Values of
 * `overrides` go before the kernel's own. A weak setting that nobody knows is 0.
 *
 * *Throws:* `ERR_SPEC` for a setting that is not known or that its variable cannot hold,
 * `ERR_USAGE` for an override of no setting.
 */
export function settingBytes(
	spec: Pick<CollectionSpec, 'name' | 'maps' | 'externs' | 'types'>,
	overrides: Readonly<Record<string, SettingValue>> = {},
	sources: SettingSources = runningKernel,
): Uint8Array | undefined {
	const settings = Object.values(spec.externs).filter(({form}) => form === 'setting');
	for (const name of Object.keys(overrides)) {
		if (settings.some(setting => setting.name === name)) continue;
		const close = nearest(
			name,
			settings.map(setting => setting.name),
		);
		const advice = close === undefined ? '' : `; did you mean "${close}"?`;
		throw new UsageError(`load object "${spec.name}": it has no setting "${name}"${advice}`);
	}

	const size = spec.maps[settingsSection]?.valueSize;
	if (size === undefined || spec.types === undefined) return undefined;
	const bytes = new Uint8Array(size);
	const reader = new SettingReader(spec.types, sources);
	for (const setting of settings) {
		const {offset} = setting;
		const place = bytes.subarray(offset, offset + setting.size);
		reader.write(setting, place, overrides[setting.name]);
	}

	return bytes;
}

type Form = 'bool' | 'tristate' | 'char' | 'number' | 'text';

class SettingReader {
	readonly #types: Btf;
	readonly #sources: SettingSources;
	#config: KernelConfig | undefined;

	constructor(types: Btf, sources: SettingSources) {
		this.#types = types;
		this.#sources = sources;
	}

	write(setting: ExternSpec, place: Uint8Array, override: SettingValue | undefined): void {
		const {form, signed} = this.#formOf(setting);
		const value = override === undefined ? this.#value(setting) : textOf(override);
		if (value === undefined) return;
		switch (form) {
			case 'bool':
				place[0] = this.#choice(setting, value, 'ny', 'bool');
				break;
			case 'tristate':
				viewOf(place).setUint32(
					0,
					this.#choice(setting, value, 'nym', 'tristate'),
					hostLittleEndian,
				);
				break;
			case 'char':
				// A choice as the letter it is written with.
				if (/^[nym]$/.test(value)) place[0] = value.charCodeAt(0);
				else this.#number(setting, value, place, signed);
				break;
			case 'number':
				this.#number(setting, value, place, signed);
				break;
			case 'text':
				this.#text(setting, value, place, override !== undefined);
				break;
		}
	}

	#formOf(setting: ExternSpec): {form: Form; signed: boolean} {
		const variable = this.#types.type(setting.typeId);
		const type = this.#types.resolve(variable.kind === 'var' ? variable.typeId : 0);
		switch (type.kind) {
			case 'int':
				if (type.size > 8) break;
				if (type.bool && type.size === 1) return {form: 'bool', signed: false};
				return {form: type.size === 1 ? 'char' : 'number', signed: type.signed};
			case 'enum':
				if (type.size === 4) return {form: 'tristate', signed: false};
				break;
			case 'array': {
				const element = this.#types.resolve(type.elementTypeId);
				if (element.kind === 'int' && element.size === 1) {
					return {form: 'text', signed: false};
				}

				break;
			}

			default:
		}

		throw refusal(setting, `a setting is a bool, tristate, number or text, no ${type.kind}`);
	}

	/** As the configuration writes it; undefined for a weak one that nobody knows. */
	#value(setting: ExternSpec): string | undefined {
		const {name, weak} = setting;
		switch (name) {
			case 'LINUX_KERNEL_VERSION':
				return String(this.#sources.version());
			case 'LINUX_HAS_BPF_COOKIE':
				return this.#sources.hasAttachCookie() ? 'y' : 'n';
			case 'LINUX_HAS_SYSCALL_WRAPPER':
				return this.#sources.hasSyscallWrapper() ? 'y' : 'n';
			default:
		}

		let config;
		try {
			config = this.#config ??= this.#sources.config();
		} catch (cause) {
			if (!(cause instanceof KernelConfigError)) throw cause;
			if (weak) return undefined;
			throw refusal(setting, cause.message, cause);
		}

		const value = name.startsWith('CONFIG_') ? config.get(name) : undefined;
		if (value !== undefined || weak) return value;
		throw refusal(setting, 'this kernel has no such setting, and it is not weak');
	}

	#choice(setting: ExternSpec, value: string, choices: string, form: string): number {
		const index = value.length === 1 ? choices.indexOf(value) : -1;
		if (index < 0) throw refusal(setting, `its value ${value} is no ${form}`);
		return index;
	}

	#number(setting: ExternSpec, text: string, place: Uint8Array, signed: boolean): void {
		// A number may stand for a choice: programs ask for LINUX_HAS_BPF_COOKIE as an int, too.
		const virtual = setting.name.startsWith('LINUX_') && /^[yn]$/.test(text);
		const written = virtual ? (text === 'y' ? '1' : '0') : text;
		if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(written)) {
			throw refusal(setting, `its value ${text} is no number`);
		}

		const negative = written.startsWith('-');
		const magnitude = BigInt(negative ? written.slice(1) : written);
		const value = negative ? -magnitude : magnitude;
		const bits = place.length * 8;
		const held = signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
		if (held !== value) {
			const kind = signed ? 'signed' : 'unsigned';
			throw refusal(setting, `its value ${text} does not fit ${bits} bits, ${kind}`);
		}

		for (let index = 0; index < place.length; index++) {
			const at = hostLittleEndian ? index : place.length - 1 - index;
			place[at] = Number(BigInt.asUintN(8, value >> BigInt(index * 8)));
		}
	}

	/** What does not fit is cut off, as programs that look at the first characters expect. */
	#text(setting: ExternSpec, value: string, place: Uint8Array, override: boolean): void {
		const quoted = /^"(.*)"$/s.exec(value)?.[1];
		if (quoted === undefined && !override) {
			throw refusal(setting, `its value ${value} is no text`);
		}

		const text = quoted?.replace(/\\(.)/g, '$1') ?? value;
		place.set(Buffer.from(text).subarray(0, place.length - 1));
	}
}

function textOf(value: SettingValue): string {
	if (typeof value === 'boolean') return value ? 'y' : 'n';
	return String(value);
}

function refusal({name}: ExternSpec, detail: string, cause?: unknown): SpecError {
	const options = cause === undefined ? {} : {cause};
	return new SpecError(`read setting "${name}": ${detail}`, {symbol: name}, options);
}
