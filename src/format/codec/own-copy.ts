import {canGenerate, compile} from './generate.js';

/**
 * Calls a copy of `make`, which may use nothing but its parameters. V8 keeps what it learns of
 * types with each text it compiles: what all maps of a process share learns too much to become
 * fast, while a copy learns of one map only.
 */
export function ownCopy<A extends unknown[], T>(make: (...parameters: A) => T, ...given: A): T {
	if (canGenerate()) {
		try {
			return (compile(`return ${String(make)}`, [])() as typeof make)(...given);
		} catch {
			// A bundler has put names of its own into the text.
		}
	}

	return make(...given);
}
