/** An object to load, or the reason why there is none. */
export interface Candidate {
	readonly object: string;
	readonly file?: string;
	readonly error?: string;
}
