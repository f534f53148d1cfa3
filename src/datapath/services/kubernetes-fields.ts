/** Reads fields of objects of any origin, and says which of them is not as it has to be. */

import {UsageError} from '../../base/errors.js';

/** An object of a manifest, and the way to it. */
export class Fields {
	private readonly what: string;
	private readonly path: string;
	private readonly fields: Readonly<Record<string, unknown>>;

	/** *Throws:* `ERR_USAGE` for what is not an object. */
	constructor(what: string, path: string, value: unknown) {
		this.what = what;
		this.path = path;
		if (typeof value !== 'object' || value === null || Array.isArray(value)) {
			this.fields = {};
			this.refuse('', 'is an object', value);
		}

		this.fields = value as Record<string, unknown>;
	}

	/** Whether it is there and says something. */
	has(name: string): boolean {
		return this.at(name) !== undefined;
	}

	/** An object without fields where there is none. */
	object(name: string): Fields {
		return new Fields(this.what, this.pathOf(name), this.at(name) ?? {});
	}

	/** No objects where there is no list. */
	list(name: string): Fields[] {
		return this.items(name).map(
			(item, i) => new Fields(this.what, `${this.pathOf(name)}[${i}]`, item),
		);
	}

	texts(name: string): string[] {
		return this.items(name).map((item, i) =>
			typeof item === 'string' ? item : this.refuse(`${name}[${i}]`, 'is a text', item),
		);
	}

	/** *Throws:* `ERR_USAGE` where it is not there and `otherwise` neither. */
	text(name: string, otherwise?: string): string {
		const value = this.at(name) ?? otherwise;
		return typeof value === 'string' ? value : this.refuse(name, 'is a text', value);
	}

	flag(name: string, otherwise: boolean): boolean {
		const value = this.at(name) ?? otherwise;
		return typeof value === 'boolean' ? value : this.refuse(name, 'is true or false', value);
	}

	choice<T extends string>(name: string, choices: readonly T[], otherwise?: T): T {
		const value = this.at(name) ?? otherwise;
		const found = choices.find(choice => choice === value);
		return found ?? this.refuse(name, `is one of ${choices.join(', ')}`, value);
	}

	whole(name: string, low: number, high: number, otherwise?: number): number {
		const value = this.at(name) ?? otherwise;
		const isWhole = typeof value === 'number' && Number.isInteger(value);
		if (isWhole && value >= low && value <= high) return value;
		return this.refuse(name, `is a whole number from ${low} to ${high}`, value);
	}

	/** *Throws:* `ERR_USAGE` that says what a field has to be. */
	refuse(name: string, what: string, got: unknown, cause?: unknown): never {
		const path = name === '' ? this.path : this.pathOf(name);
		const value = got === undefined ? 'nothing' : JSON.stringify(got);
		throw new UsageError(
			`read ${this.what}: ${path === '' ? 'it' : path} ${what}, got ${value}`,
			cause === undefined ? {} : {cause},
		);
	}

	/** The values of a list, none where there is no list. */
	items(name: string): unknown[] {
		const value = this.at(name) ?? [];
		return Array.isArray(value) ? value : this.refuse(name, 'is a list', value);
	}

	/** Null is nothing. */
	private at(name: string): unknown {
		return Object.hasOwn(this.fields, name) ? (this.fields[name] ?? undefined) : undefined;
	}

	private pathOf(name: string): string {
		if (/[./]/.test(name) && !/\]$/.test(name)) return `${this.path}["${name}"]`;
		return this.path === '' ? name : `${this.path}.${name}`;
	}
}
