/** Policies of endpoints: looked at, and replaced under traffic. */

import {UsageError} from '../../base/errors.js';
import {programsEnded} from '../../kernel/sys/grace.js';
import {unpinPath} from '../../object/pin/pin.js';
import {locked} from '../locks.js';
import {Identities, listIdentities, type Identity} from '../identities/identities.js';
import {LabelIndex} from '../identities/labels.js';
import type {DatapathMaps} from '../maps.js';
import {raisePolicyRevision} from '../revisions.js';
import {compileRules} from './compile.js';
import {
	enforcementOf,
	finishFlags,
	flagsBetween,
	planFlags,
	readSettings,
	writeFlags,
	type EnforcementOptions,
	type FlagChange,
	type PolicyEnforcement,
} from './enforcement.js';
import {forgetOldRules, keepRules, stalePolicies, type CompiledPolicy} from './kept-rules.js';
import {describeEntry, type PolicyMapEntry} from './map-entry.js';
import {pinAside, pinInPlace, policyName, policyPath, unpinAside} from './pins.js';
import {openPolicyInForce, policyIdInForce, policyIds, readEnforcement} from './policy-in-force.js';
import {createPolicyMap, openPolicyMap, openPolicyTypes, type PolicyMap} from './policy-map.js';
import {namesLabels, type FindLabels, type PolicyRule} from './rule.js';
import {clearPolicies, putPolicies} from './slots.js';
import {readStats, statsKey} from './stats.js';

/** The rules of an endpoint from now on, and whether they count. */
export interface NewPolicy extends EnforcementOptions {
	readonly endpointId: number;
	readonly rules: Iterable<PolicyRule>;
}

/** What became of an endpoint's rules. */
export interface PolicyChange {
	readonly endpointId: number;
	/** Of its map. */
	readonly entries: number;
	readonly enforcement: PolicyEnforcement;
	/** Flows that an earlier one let pass are judged again. */
	readonly revision: number;
}

/** An endpoint's policy. On a Cilium node, which has it in the rules themselves, it is always enforced. */
export interface PolicySummary {
	readonly endpointId: number;
	readonly enforcement: PolicyEnforcement;
	/** skep only. */
	readonly revision: number | undefined;
	/** Entries of its map; 0 also where there is none. */
	readonly entries: number;
}

/** The same, with its rules. */
export interface EndpointPolicy extends Omit<PolicySummary, 'entries'> {
	readonly entries: readonly PolicyMapEntry[];
}

const lastEndpoint = 0xffff;
/** Endpoints whose policies are in flight at once: a map's descriptor each. */
const chunk = 256;

/**
 * The policies of a datapath's endpoints.
 *
 * Changes need maps that were opened with `write`, of skep's own. Each is done as a whole and in an
 * order in which no packet meets a mixture that denies what both old and new policy allow, or allows
 * what both deny; a process that dies on the way leaves the old or the new policy. They wait for the
 * kernel off the event loop, and for each other, in other processes too.
 */
export class Policies {
	private readonly maps: DatapathMaps;
	private last: Promise<unknown> = Promise.resolve();

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	/** The policy that packets of an endpoint meet; undefined where there is none. */
	get(endpointId: number): EndpointPolicy | undefined {
		checkId('read policy', endpointId);
		const summary = this.summarize(endpointId);
		const map = openPolicyInForce(this.maps, endpointId);
		if (map === undefined) return isEmpty(summary) ? undefined : {...summary, entries: []};
		try {
			const counts = readStats(this.maps, endpointId);
			const entries = [...map].map(([key, value]) =>
				describeEntry(key, value, counts.get(statsKey(key))),
			);
			return {...summary, entries: entries.sort(byPlace)};
		} finally {
			map.close();
		}
	}

	/** Of every endpoint that has a policy or flags that say it counts, by id. */
	list(): PolicySummary[] {
		const ids = new Set(policyIds(this.maps));
		const settings = this.maps.endpointSettings;
		if (settings?.known === true) {
			for (const [id, {flags}] of settings.map) if (flags !== 0) ids.add(id);
		}

		return [...ids]
			.sort((a, b) => a - b)
			.map(id => {
				const map = openPolicyInForce(this.maps, id);
				try {
					let entries = 0;
					for (const {count} of map?.batches() ?? []) entries += count;
					return {...this.summarize(id), entries};
				} finally {
					map?.close();
				}
			});
	}

	/**
	 * Gives an endpoint other rules, and where asked for makes them count or not.
	 *
	 * *Throws:* `ERR_USAGE` for rules that cannot be meant, `ERR_MAP`, `ERR_DATAPATH`, `ERR_PIN`.
	 * *Kernel:* more than 16,384 entries 5.10.
	 */
	async replace(
		endpointId: number,
		rules: Iterable<PolicyRule>,
		options: EnforcementOptions = {},
	): Promise<PolicyChange> {
		const [change] = await this.replaceMany([{...options, endpointId, rules}]);
		if (change === undefined) throw new TypeError('a policy has one change');
		return change;
	}

	/** The same for many endpoints, which wait for the kernel together. */
	async replaceMany(policies: Iterable<NewPolicy>): Promise<PolicyChange[]> {
		const list = [...policies].map(({rules, ...policy}) => ({...policy, rules: [...rules]}));
		return this.inTurn(async () => {
			const find = this.labels();
			const compiled = list.map(policy => {
				checkId('replace policy', policy.endpointId);
				return {policy, entries: compileRules(policy.rules, find)};
			});
			return this.replaceCompiled(compiled);
		});
	}

	/**
	 * Brings the rules that name labels to who has them now, of all endpoints and whoever gave them
	 * their rules: those are kept beside the policies. The endpoints whose policies changed.
	 *
	 * To be called when `Identities` were changed otherwise than by `allocate` and `release` here.
	 */
	async refresh(): Promise<number[]> {
		return this.inTurn(async () => {
			const stale = stalePolicies(this.maps, this.labels());
			await this.replaceCompiled(stale);
			return stale.map(({policy: {endpointId}}) => endpointId);
		});
	}

	/**
	 * The identity of these labels, as `Identities.allocate` gives it. Before this is done, all rules
	 * that name such labels are about it, too. *Throws:* what that and `refresh` throw.
	 */
	async allocate(labels: readonly string[]): Promise<Identity> {
		using identities = Identities.open(this.maps.root, {write: true});
		const identity = identities.allocate(labels);
		await this.refresh();
		return identity;
	}

	/** Gives a number back; whether it was given out. No rule that names labels is about it any more. */
	async release(identityId: number): Promise<boolean> {
		using identities = Identities.open(this.maps.root, {write: true});
		const wasThere = identities.release(identityId);
		await this.refresh();
		return wasThere;
	}

	/** Changes whether rules count; the rules stay. */
	async setEnforcement(
		endpointId: number,
		options: EnforcementOptions,
	): Promise<PolicyEnforcement> {
		checkId('set enforcement', endpointId);
		return this.inTurn(() => {
			const change = planFlags(this.maps, endpointId, options);
			finishFlags(this.maps, change);
			return enforcementOf({flags: change.to});
		});
	}

	/** Takes policies away: they count no more, then they are gone. How many there were. */
	async remove(endpointIds: number | Iterable<number>): Promise<number> {
		const ids = [...new Set(typeof endpointIds === 'number' ? [endpointIds] : endpointIds)];
		for (const id of ids) checkId('remove policy', id);
		return this.inTurn(async () => {
			const had = ids.filter(id => policyIdInForce(this.maps, id) !== undefined);
			const flags = ids.map(id => ({...planFlags(this.maps, id, {}), to: 0}));
			try {
				await this.loosen(flags);
				await clearPolicies(this.maps.require('policies'), had);
			} finally {
				// What the kernel left in force counts as before.
				for (const change of flags) {
					const stays = policyIdInForce(this.maps, change.endpointId) !== undefined;
					finishFlags(this.maps, stays ? {...change, to: change.from} : change);
				}
			}

			const pinned = new Set(this.maps.policyIds());
			for (const id of ids) if (pinned.has(id)) unpinPath(policyPath(this.maps, id));
			forgetOldRules(this.maps);
			return had.length;
		});
	}

	/**
	 * Finishes what a process that died left half done: its policies are in force, but flows that an
	 * older one let pass were not told. The endpoints it was about.
	 */
	async recover(): Promise<number[]> {
		return this.inTurn(() => {
			const unfinished = [];
			const pins = new Set(this.maps.policyIds());
			for (const id of policyIds(this.maps)) {
				const inForce = policyIdInForce(this.maps, id);
				const pinned = pins.has(id) ? this.maps.policy(id) : undefined;
				const pinnedId = pinned?.map.info.id;
				pinned?.map.close();
				if (pinnedId === inForce) continue;
				unfinished.push(id);
				raisePolicyRevision(this.maps, id);
				if (inForce === undefined) {
					unpinPath(policyPath(this.maps, id));
				} else {
					using map = openPolicyMap(inForce);
					pinAside(this.maps, id, map);
					pinInPlace(this.maps, id);
				}
			}

			unpinAside(this.maps);
			forgetOldRules(this.maps);
			return unfinished;
		});
	}

	private async replaceCompiled(list: readonly CompiledPolicy[]): Promise<PolicyChange[]> {
		const changes: PolicyChange[] = [];
		for (let at = 0; at < list.length; at += chunk) {
			changes.push(...(await this.replaceChunk(list.slice(at, at + chunk))));
		}

		return changes;
	}

	private async replaceChunk(list: readonly CompiledPolicy[]): Promise<PolicyChange[]> {
		const slots = this.maps.require('policies');
		const fresh: {endpointId: number; map: PolicyMap}[] = [];
		const types = openPolicyTypes(this.maps.require('endpointSettings').info.btfId);
		try {
			for (const {policy, entries} of list) {
				const {endpointId, rules} = policy;
				const map = createPolicyMap(policyName(endpointId), entries, types);
				fresh.push({endpointId, map});
				pinAside(this.maps, endpointId, map);
				if (!rules.some(namesLabels)) continue;
				keepRules(this.maps.root, {endpointId, mapId: map.info.id}, rules);
			}

			const flags = list.map(({policy}) => planFlags(this.maps, policy.endpointId, policy));
			try {
				await this.loosen(flags);
				await putPolicies(slots, fresh);
			} finally {
				// Where the kernel took some of them only, the others stay as they were.
				for (const [i, {endpointId, map}] of fresh.entries()) {
					const change = flags[i];
					if (change === undefined) continue;
					const isInForce = policyIdInForce(this.maps, endpointId) === map.info.id;
					finishFlags(this.maps, isInForce ? change : {...change, to: change.from});
					if (isInForce) pinInPlace(this.maps, endpointId);
				}
			}
		} catch (error) {
			unpinAside(this.maps);
			throw error;
		} finally {
			types?.fd.close();
			for (const {map} of fresh) map.close();
			forgetOldRules(this.maps);
		}

		return list.map(({policy: {endpointId}, entries}) => {
			const settings = readSettings(this.maps, endpointId);
			return {
				endpointId,
				entries: entries.length,
				enforcement: enforcementOf(settings),
				revision: settings.policy_revision,
			};
		});
	}

	/** Lets pass what is to pass afterwards, and waits for programs that do not know it yet. */
	private async loosen(changes: readonly FlagChange[]): Promise<void> {
		const looser = changes.filter(change => flagsBetween(change) !== change.from);
		for (const change of looser) {
			writeFlags(this.maps, change.endpointId, flagsBetween(change));
		}

		if (looser.length > 0) await programsEnded();
	}

	/** Who has which labels now. */
	private labels(): FindLabels {
		const index = new LabelIndex(listIdentities(this.maps.root));
		return labels => index.find(labels);
	}

	private async inTurn<T>(work: () => T | Promise<T>): Promise<T> {
		const start = async (): Promise<T> => locked(this.maps.root, 'policies', work);
		const turn = this.last.then(start, start);
		this.last = turn.catch(() => undefined);
		return turn;
	}

	private summarize(endpointId: number): Omit<PolicySummary, 'entries'> {
		const enforcement = readEnforcement(this.maps, endpointId);
		if (this.maps.endpointSettings?.known !== true) {
			return {endpointId, enforcement, revision: undefined};
		}

		const {policy_revision: revision} = readSettings(this.maps, endpointId);
		return {endpointId, enforcement, revision};
	}
}

function isEmpty({enforcement, revision}: Omit<PolicySummary, 'entries'>): boolean {
	const {ingress, egress} = enforcement;
	return revision === undefined || !(ingress || egress);
}

function byPlace(a: PolicyMapEntry, b: PolicyMapEntry): number {
	if (a.direction !== b.direction) return a.direction === 'ingress' ? -1 : 1;
	return (
		a.identity - b.identity ||
		(a.protocol ?? -1) - (b.protocol ?? -1) ||
		Number.parseInt(a.ports ?? '0') - Number.parseInt(b.ports ?? '0') ||
		a.prefix - b.prefix
	);
}

function checkId(action: string, endpointId: number): void {
	if (Number.isInteger(endpointId) && endpointId >= 0 && endpointId <= lastEndpoint) return;
	throw new UsageError(`${action}: there is no endpoint ${endpointId}`);
}
