import {readFileSync} from 'node:fs';
import {release} from 'node:os';
import test, {type ExecutionContext, type Macro} from 'ava';

/** What a test needs of the running kernel. */
export interface Requirement {
	/** What is tested, in the field's words: 'tcx link'. */
	readonly feature: string;
	/** The kernel that has it first, '6.6': from there on its absence is a failure. */
	readonly since: string;
	/** Runs before the file's other tests, alone in its process: for what looks at all of it. */
	readonly serial?: boolean;
}

type Run<Args extends unknown[]> = (t: ExecutionContext, ...args: Args) => unknown;

/** Declares a test, by a title and a function or by a macro and its arguments, as ava's `test` does. */
export interface KernelTest {
	(title: string, run: Run<[]>): void;
	<Args extends unknown[]>(macro: Macro<Args>, ...args: Args): void;
	<Args extends unknown[]>(title: string, macro: Macro<Args>, ...args: Args): void;
}

/**
 * Gives what declares tests that talk to the kernel. They are skipped in two cases only: on a
 * kernel older than `since` that refuses the call as unsupported, and, except under `CI=true`,
 * without the privilege to try.
 */
export function kernelTest(requirement: Requirement): KernelTest {
	const declare = <Args extends unknown[]>(...given: Declaration<Args>): void => {
		const {title, run, args} = readDeclaration(given);
		if (!isPrivileged()) {
			const reason = 'needs CAP_SYS_ADMIN and CAP_NET_ADMIN';
			if (process.env['CI'] === 'true') test(title, t => t.fail(reason));
			else test.skip(`${title} (${reason})`, t => t.pass());
			return;
		}

		const older = compareReleases(release(), requirement.since) < 0;
		const add = requirement.serial ? test.serial : test;
		add(title, async t => {
			try {
				await run(t, ...args);
			} catch (error) {
				if (!older || !isUnsupported(error)) throw error;
				t.log(
					`skipped: ${requirement.feature} needs kernel ${requirement.since}: ${String(error)}`,
				);
				t.pass();
			}
		});
	};
	return declare;
}

type Declaration<Args extends unknown[]> =
	| [title: string, run: Run<Args> | Macro<Args>, ...args: Args]
	| [macro: Macro<Args>, ...args: Args];

interface Declared<Args extends unknown[]> {
	title: string;
	run: Run<Args>;
	args: Args;
}

function readDeclaration<Args extends unknown[]>(given: Declaration<Args>): Declared<Args> {
	if (typeof given[0] === 'string') {
		const [title, run, ...args] = given as [string, Run<Args> | Macro<Args>, ...Args];
		if (typeof run === 'function') return {title, run, args};
		return {title: run.title?.(title, ...args) ?? title, run: run.exec, args};
	}

	const [macro, ...args] = given as [Macro<Args>, ...Args];
	const title = macro.title?.(undefined, ...args);
	if (title === undefined) throw new TypeError('kernelTest: the macro has no title');
	return {title, run: macro.exec, args};
}

const bits = {netAdmin: 12n, sysAdmin: 21n, bpf: 39n};

/** Set where tests run with the least that most of skep needs, see `npm run test:least`. */
const needed =
	process.env['SKEP_LEAST'] === undefined
		? [bits.netAdmin, bits.sysAdmin]
		: [bits.netAdmin, bits.bpf];

/** May this process load programs, make namespaces and mount? */
export function isPrivileged(): boolean {
	const status = readFileSync('/proc/self/status', 'utf8');
	const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
	return needed.every(bit => (effective >> bit) & 1n);
}

/** EINVAL, E2BIG, ENOSYS, EOPNOTSUPP, ENOTSUPP: how kernels refuse what they do not know. */
const refusals: readonly unknown[] = [22, 7, 38, 95, 524];

/** Says the error that the kernel does not know what it was asked? */
export function isUnsupported(error: unknown): boolean {
	if (!(error instanceof Error)) return false;
	const {code, errno} = error as {code?: unknown; errno?: unknown};
	return code === 'ERR_UNSUPPORTED' || refusals.includes(errno);
}

/** Negative when release `a` ('5.15.0-91-generic') is older than `b` ('6.6'), 0 when not. */
export function compareReleases(a: string, b: string): number {
	const [left, right] = [a, b].map(text =>
		(/^\d+\.\d+/.exec(text)?.[0] ?? '').split('.').map(Number),
	);
	const [major = 0, minor = 0] = left ?? [];
	const [wantedMajor = 0, wantedMinor = 0] = right ?? [];
	return major - wantedMajor || minor - wantedMinor;
}
