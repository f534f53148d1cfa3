import test from 'ava';
import fc from 'fast-check';
import {kernelTest} from '../helpers/kernel.js';
import {addon, detach, guarded, makeMap, netlinkRequest, resizable} from './support.js';

// Serial: what one test closes or changes by chance must not be another's.
const kernel = kernelTest({feature: 'maps and bpf(2)', since: '5.15', serial: true});

/** Whatever a caller without types may pass. */
const anything = fc.oneof(
	fc.constantFrom<unknown>(
		undefined,
		null,
		true,
		'',
		'lo',
		'nul\0inside',
		'x'.repeat(300),
		10n,
		Symbol('symbol'),
		{},
		[],
		() => 0,
		new Proxy({}, {}),
		new DataView(new ArrayBuffer(64)),
		new ArrayBuffer(64),
		new Uint16Array(32),
		new Int8Array(64),
		new Uint8ClampedArray(64),
		new Float64Array(8),
		new BigUint64Array(8),
		Object.create(Uint8Array.prototype),
	),
	fc.constantFrom<unknown>(
		-1,
		-0,
		0.5,
		NaN,
		Infinity,
		-Infinity,
		2 ** 31 - 1,
		2 ** 31,
		2 ** 32 - 1,
		2 ** 32,
		2 ** 53,
		1e300,
	),
	fc.integer({min: -2, max: 64}),
	fc.double(),
	bytes(),
	fc.array(fc.oneof(fc.integer({min: -8, max: 160}), fc.constant(null), bytes()), {maxLength: 8}),
	fc.anything(),
);

function bytes(): fc.Arbitrary<Uint8Array> {
	return fc.oneof(
		fc.uint8Array({maxLength: 160}),
		fc.nat({max: 160}).map(size => guarded(size, true).bytes),
		fc.nat({max: 160}).map(size => {
			const gone = new Uint8Array(size);
			detach(gone);
			return gone;
		}),
		fc.nat({max: 160}).map(size => {
			const {bytes, shrink} = resizable(size);
			shrink(size >> 1);
			return bytes;
		}),
	);
}

/** Arguments that would do, of which a case replaces some. */
const usual: Record<string, (map: number) => unknown[]> = {
	mapLookup: map => [map, new Uint8Array(8), new Uint8Array(24), 0],
	mapUpdate: map => [map, new Uint8Array(8), new Uint8Array(24), 0],
	mapDelete: map => [map, new Uint8Array(8)],
	mapNextKey: map => [map, null, new Uint8Array(8)],
	bpf: map => [1, attrWithFd(map), [8, new Uint8Array(8), 16, new Uint8Array(24)], -1],
	bpfAsync: map => [1, attrWithFd(map), [8, new Uint8Array(8), 16, new Uint8Array(24)]],
	objectInfo: map => [map, new Uint8Array(88), []],
	mapTypes: () => ['/sys/kernel/btf/vmlinux'],
	interfaceIndex: () => ['lo', -1],
	interfaceName: () => [1, -1],
	interfaceMac: () => ['lo', new Uint8Array(6), -1],
	interfaces: () => [-1],
	netlink: () => [netlinkRequest(1), -1],
	fdKind: map => [map],
	possibleCpus: () => [],
	pageSize: () => [],
};

function attrWithFd(fd: number): Uint8Array {
	const attr = new Uint8Array(32);
	new DataView(attr.buffer).setUint32(0, fd, true);
	return attr;
}

/** Calls; what came back is of a kind that the function may return. Closes a descriptor it made. */
async function tolerates(name: string, args: readonly unknown[]): Promise<boolean> {
	const functions = addon as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
	let result;
	try {
		result = await functions[name]?.(...args);
	} catch (error) {
		return error instanceof TypeError || error instanceof RangeError;
	}

	if (typeof result !== 'number') {
		return (
			result === null ||
			typeof result === 'string' ||
			Array.isArray(result) ||
			result instanceof ArrayBuffer ||
			result instanceof Uint8Array
		);
	}

	const opens = name.startsWith('bpf') && result > 0 && addon.fdKind(result) !== null;
	if (opens) addon.closeFd(result);
	return Number.isInteger(result);
}

const takesAnything = test.macro({
	async exec(t, name: string) {
		const map = makeMap(t);
		const good = usual[name]?.(map) ?? [];
		const position = fc.nat({max: Math.max(good.length - 1, 0)});
		const replacement = fc.dictionary(position.map(String), anything, {maxKeys: 2});
		const length = fc.nat({max: good.length + 1});

		await fc.assert(
			fc.asyncProperty(replacement, length, async (replaced, count) => {
				const args = usual[name]?.(map) ?? [];
				for (const [at, value] of Object.entries(replaced)) args[Number(at)] = value;
				// Mostly as many as there should be.
				return tolerates(name, count === 0 ? args.slice(0, -1) : args);
			}),
			{numRuns: 2000},
		);

		t.is(addon.fdKind(map), 'map');
		// Of another map: a call of any kind may have frozen the first.
		t.is(addon.mapUpdate(makeMap(t), new Uint8Array(8), new Uint8Array(24), 0), 0);
	},
	title: (_, name) => `${name} takes 2000 calls with arguments of any kind`,
});

for (const name of Object.keys(usual)) kernel(takesAnything, name);

kernel('closeFd takes anything and closes nothing that the addon did not open', t => {
	const map = makeMap(t);

	fc.assert(
		fc.property(
			anything.filter(value => value !== map),
			value => {
				try {
					const close = addon.closeFd as (value: unknown) => number;
					return close(value) === -9; /* EBADF */
				} catch (error) {
					return error instanceof TypeError;
				}
			},
		),
		{numRuns: 2000},
	);
	t.is(addon.fdKind(map), 'map');
});

kernel('bpf takes 20000 calls of any command with any attr and any pointers', t => {
	const maps = [makeMap(t), makeMap(t, {type: 'percpu_array', key: 4, value: 8, entries: 2})];
	const fd = fc.constantFrom(...maps, 0, 2 ** 32 - 1);
	const word = fc.oneof(
		{weight: 4, arbitrary: fc.constant(0)},
		fd,
		fc.nat({max: 64}),
		fc.nat({max: 2 ** 31 - 1}),
	);
	const attr = fc.tuple(fc.array(word, {maxLength: 40}), fc.nat({max: 3})).map(([words, cut]) => {
		const all = new Uint8Array(Uint32Array.from(words).buffer);
		return all.subarray(0, Math.max(0, all.length - cut));
	});
	const buffer = fc.nat({max: 300}).map(size => guarded(size));
	const offset = fc.oneof(
		fc.nat({max: 20}).map(n => n * 8),
		fc.nat({max: 160}),
	);
	const pointers = fc.array(fc.tuple(offset, buffer), {maxLength: 4});
	let accepted = 0;

	fc.assert(
		fc.property(fc.nat({max: 40}), attr, pointers, (number, image, list) => {
			let result;
			try {
				const flat = list.flatMap(([at, {bytes}]) => [at, bytes]);
				result = addon.bpf(number, image, flat, -1);
				accepted++;
			} catch (error) {
				return error instanceof RangeError;
			}

			if (result > 0 && addon.fdKind(result) !== null) addon.closeFd(result);
			return list.every(([, {intact}]) => intact());
		}),
		{numRuns: 20_000},
	);
	t.true(accepted > 1000, `only ${accepted} calls reached the kernel`);
});

const refuses = test.macro({
	exec(t, run: (map: number) => unknown, error: typeof TypeError, message: RegExp) {
		const map = makeMap(t);
		const thrown = t.throws(() => run(map));
		t.is(thrown.constructor, error);
		t.regex(thrown.message, message);
	},
	title: title => `refused: ${title ?? ''}`,
});

const [key, value] = [new Uint8Array(8), new Uint8Array(24)];
kernel(
	'a descriptor beyond 32 bits',
	refuses,
	m => addon.mapLookup(m + 2 ** 32, key, value, 0),
	TypeError,
	/^fd: /,
);
kernel(
	'a fraction of a descriptor',
	refuses,
	m => addon.mapLookup(m + 0.5, key, value, 0),
	TypeError,
	/^fd: /,
);
kernel(
	'flags beyond 32 bits',
	refuses,
	m => addon.mapLookup(m, key, value, 2 ** 32),
	TypeError,
	/^flags: /,
);
kernel('negative flags', refuses, m => addon.mapLookup(m, key, value, -1), TypeError, /^flags: /);
kernel(
	'an offset beyond 32 bits',
	refuses,
	m => addon.bpf(1, attrWithFd(m), [2 ** 32 + 8, key], -1),
	TypeError,
	/^pointers: /,
);
kernel(
	'an offset that is a fraction',
	refuses,
	m => addon.bpf(1, attrWithFd(m), [8.5, key], -1),
	TypeError,
	/^pointers: /,
);
kernel(
	'a list without its last buffer',
	refuses,
	m => addon.bpf(1, attrWithFd(m), [8, key, 16], -1),
	TypeError,
	/^pointers: /,
);
kernel(
	'a list of more than 16 pairs',
	refuses,
	m => addon.bpf(1, attrWithFd(m), new Array<number>(34).fill(0), -1),
	TypeError,
	/^pointers: /,
);
kernel(
	'a pointer beyond attr',
	refuses,
	m => addon.bpf(1, attrWithFd(m).subarray(0, 20), [16, value], -1),
	RangeError,
	/16 is not a pointer field$/,
);
kernel(
	'a pointer where the command has none',
	refuses,
	m => addon.bpf(1, attrWithFd(m), [24, value], -1),
	RangeError,
	/24 is not a pointer field$/,
);
kernel(
	'a command that is not wrapped',
	refuses,
	() => addon.bpf(37, new Uint8Array(8), [], -1),
	RangeError,
	/37 is not wrapped$/,
);
kernel(
	'more attr than the command has',
	refuses,
	() => addon.bpf(1, new Uint8Array(33), [], -1),
	RangeError,
	/attr has 33 bytes, command 1 takes 32$/,
);
kernel(
	'a descriptor that the addon did not open',
	refuses,
	() => addon.mapLookup(0, key, value, 0),
	RangeError,
	/^fd 0 is not a map opened here$/,
);
kernel(
	'info longer than any',
	refuses,
	m => addon.objectInfo(m, new Uint8Array(513), []),
	RangeError,
	/longer/,
);
