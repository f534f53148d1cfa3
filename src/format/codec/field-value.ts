const inherited: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** What the object has under that name; what every object has, such as `constructor`, is nothing. */
export function fieldOf(object: Record<string, unknown>, name: string): unknown {
	if (!inherited.has(name)) return object[name];
	let holder: unknown = object;
	while (typeof holder === 'object' && holder !== null && holder !== Object.prototype) {
		if (Object.hasOwn(holder, name)) return object[name];
		holder = Object.getPrototypeOf(holder) as unknown;
	}

	return undefined;
}
