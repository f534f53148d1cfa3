/** Numbers and names as text for people. */

/** `0:07`, `12:30`, `3:05:00` */
export function duration(milliseconds: number): string {
	const seconds = Math.ceil(milliseconds / 1000);
	const two = (value: number): string => String(value).padStart(2, '0');
	const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
	if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
	return `${minutes}:${two(seconds % 60)}`;
}

/** Nothing that steers a terminal: names may be anyone's. */
export function plain(text: string): string {
	return text.replaceAll(/\p{Cc}/gu, '\ufffd');
}

/** On one line, cut to so many characters. */
export function fit(text: string, columns: number): string {
	const letters = Array.from(plain(text));
	return letters.length <= columns
		? letters.join('')
		: `${letters.slice(0, Math.max(columns - 1, 0)).join('')}…`;
}

/** Four digits that count, and no more zeros than needed: `0.01234`, `12.34`, `123456`. */
export function formatNumber(value: number): string {
	if (value === 0 || !Number.isFinite(value)) return String(value);
	const size = Math.floor(Math.log10(Math.abs(value)));
	if (size < -5 || size > 14) return value.toExponential(3);
	return value.toFixed(Math.max(0, 3 - size));
}
