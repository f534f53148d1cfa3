const inherited: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** True for names such as `constructor`, under which every object has something. */
export function isInherited(name: string): boolean {
	return inherited.has(name);
}

/** What the object has under that name, but for what it has as every other object does. */
export function fieldOf(object: Record<string, unknown>, name: string): unknown {
	if (!inherited.has(name)) return object[name];
	let holder: unknown = object;
	while (typeof holder === 'object' && holder !== null && holder !== Object.prototype) {
		if (Object.hasOwn(holder, name)) return object[name];
		holder = Object.getPrototypeOf(holder) as unknown;
	}

	return undefined;
}
