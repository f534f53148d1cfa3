import {UsageError, EbpfError} from '../../base/errors.js';
import {nearest} from '../../base/suggest.js';
import {kernelAtLeast} from '../host/kernel-version.js';
import type {Answer} from './answer.js';
import {btfFeatures} from './btf-features.js';
import {callFeatures} from './call-features.js';
import {codeFeatures} from './code-features.js';
import type {Feature, FeatureGroup} from './feature.js';
import {linkFeatures} from './link-features.js';
import {mapFeatures} from './map-features.js';
import {helperFeatures, programFeatures} from './program-features.js';

/** What was found out of one feature of the running kernel. */
export interface FeatureReport {
	/** `map:ringbuf`, `program:xdp`, `helper:xdp/redirect_map`, `link:tcx`, `code:isa_v4`, … */
	readonly name: string;
	readonly group: FeatureGroup;
	/** `unknown` where the kernel would not tell: `reason` says why. */
	readonly support: Answer['support'];
	/** The first kernel that has it: `6.9`; not known of helpers. */
	readonly since?: string;
	/** Of what is not there or unknown: `needs kernel 6.9`, or what stood in the way. */
	readonly reason?: string;
}

/** Which features to ask for. */
export interface ProbeOptions {
	/** Names, or beginnings of names up to a `:` or `/`: `map`, `helper:xdp`, `link:tcx`. */
	readonly names?: readonly string[];
}

/** The kernel would not tell whether it has a feature. */
export class FeatureError extends EbpfError {
	static {
		this.prototype.name = 'FeatureError';
	}

	readonly code = 'ERR_FEATURE';
	readonly feature: string;

	constructor(feature: string, reason: string) {
		super(`probe feature "${feature}": ${reason}`);
		this.feature = feature;
	}
}

let all: readonly Feature[] | undefined;

/** Made when they are first asked for: they are many, and most processes ask for none. */
function features(): readonly Feature[] {
	return (all ??= [
		...programFeatures(),
		...mapFeatures(),
		...linkFeatures(),
		...btfFeatures(),
		...codeFeatures(),
		...callFeatures(),
		...helperFeatures(),
	]);
}

/** The names of all features that can be asked for, those of helpers last. */
export function featureNames(): string[] {
	return features().map(({name}) => name);
}

/** What was found out in this process; what remained unknown is asked again. */
const remembered = new Map<string, FeatureReport>();

/**
 * What the running kernel has, found out by trying and remembered for the process. Nothing is
 * attached or pinned, and what is made to try is gone at the end. Without names everything is asked
 * for but helpers, of which there are some 7,000, by program type: `helper`.
 *
 * *Throws:* `ERR_USAGE` for a name that is no feature's.
 */
export function probeFeatures(options: ProbeOptions = {}): FeatureReport[] {
	const {names} = options;
	const wanted =
		names === undefined
			? features().filter(({group}) => group !== 'helper')
			: names.flatMap(name => select(name));
	return [...new Set(wanted)].map(report);
}

/**
 * Has the running kernel this feature?
 *
 * *Throws:* `ERR_USAGE` for a name that is no feature's, `ERR_FEATURE` where the kernel would not
 * tell.
 */
export function hasFeature(name: string): boolean {
	const feature = features().find(each => each.name === name);
	if (feature === undefined) throw unknownName(name);
	const {support, reason} = report(feature);
	if (support === 'unknown') throw new FeatureError(name, reason ?? 'the kernel does not tell');
	return support === 'yes';
}

function select(name: string): Feature[] {
	const found = features().filter(
		each =>
			each.name === name ||
			(each.name.startsWith(name) &&
				/^[:/]|^$/.test(each.name.slice(name.length, name.length + 1))),
	);
	if (found.length === 0) throw unknownName(name);
	return found;
}

function unknownName(name: string): UsageError {
	const near = nearest(name, featureNames());
	const hint = near === undefined ? '' : `; did you mean ${near}?`;
	return new UsageError(`probe feature "${name}": there is no such feature${hint}`);
}

function report(feature: Feature): FeatureReport {
	const known = remembered.get(feature.name);
	if (known !== undefined) return known;
	const found = describe(feature, feature.probe());
	if (found.support !== 'unknown') remembered.set(feature.name, found);
	return found;
}

function describe({name, group, since}: Feature, answer: Answer): FeatureReport {
	const {support} = answer;
	const reason = answer.reason ?? (support === 'no' ? absence(since) : undefined);
	return {
		name,
		group,
		support,
		...(since !== undefined && {since}),
		...(reason !== undefined && {reason}),
	};
}

/** The kernel has said no; its version only tells why that may be. */
function absence(since: string | undefined): string | undefined {
	if (since === undefined) return undefined;
	return kernelAtLeast(since) ? 'not built into this kernel' : `needs kernel ${since}`;
}
