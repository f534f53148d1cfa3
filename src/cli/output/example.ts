/** An example at the end of a verb's help. */
export function example(text: string): string {
	return `\nExample:\n  ${text}`;
}
