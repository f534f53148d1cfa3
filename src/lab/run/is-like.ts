/**
 * True when everything that `expected` says is so of `actual`: objects may have more fields, a
 * function decides by itself, and 1 is 1n.
 */
export function isLike(expected: unknown, actual: unknown): boolean {
	if (typeof expected === 'function')
		return Boolean((expected as (value: unknown) => unknown)(actual));
	if (isNumber(expected) && isNumber(actual)) return isSameNumber(expected, actual);

	if (typeof expected !== 'object' || typeof actual !== 'object') return expected === actual;
	if (expected === null || actual === null) return expected === actual;
	if (Array.isArray(expected) || ArrayBuffer.isView(expected)) {
		const [wanted, given] = [elements(expected), elements(actual)];
		return (
			wanted !== undefined &&
			wanted.length === given?.length &&
			wanted.every((each, i) => isLike(each, given[i]))
		);
	}

	const fields = actual as Readonly<Record<string, unknown>>;
	return Object.entries(expected).every(([name, value]) => isLike(value, fields[name]));
}

function isNumber(value: unknown): value is number | bigint {
	return typeof value === 'number' || typeof value === 'bigint';
}

function isSameNumber(a: number | bigint, b: number | bigint): boolean {
	if (typeof a === typeof b) return Object.is(a, b);
	return (Number.isInteger(a) || Number.isInteger(b)) && BigInt(a) === BigInt(b);
}

function elements(value: object): readonly unknown[] | undefined {
	if (Array.isArray(value)) return value as unknown[];
	return value instanceof Uint8Array ? [...value] : undefined;
}
