const secondNs = 1_000_000_000n;

/** What a time stamp of an interface means. */
export interface Clock {
	readonly ticksPerSecond: bigint;
	/** Nanoseconds since 1970 at tick 0. */
	readonly start: bigint;
}

/** `resolution` is that of pcapng: a negative power of ten, or of two with the high bit set. */
export function clockOf(resolution: number, offsetSeconds: bigint): Clock {
	const power = BigInt(resolution & 0x7f);
	const ticksPerSecond = resolution & 0x80 ? 1n << power : 10n ** power;
	return {ticksPerSecond, start: offsetSeconds * secondNs};
}

/** Nanoseconds since 1970; what is finer than a nanosecond is cut off. */
export function timeOf(clock: Clock, ticks: bigint): bigint {
	const {ticksPerSecond, start} = clock;
	if (ticksPerSecond === secondNs) return ticks + start;
	return (ticks * secondNs) / ticksPerSecond + start;
}
