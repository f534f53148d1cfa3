/**
 * Processes that are killed at random moments. `npm run test:kill` kills 200; SKEP_KILLS and SKEP_SEED
 * choose how many and which.
 */

import {fork} from 'node:child_process';
import {once} from 'node:events';
import type {ExecutionContext} from 'ava';
import fc from 'fast-check';

import {kernelTest} from '../helpers/kernel.js';
import type {Scenes} from './kill-child.js';
import {makeAttachScene, makeDatapathScene, makeMigrateScene, makePolicyScene} from './scenes.js';

const kernel = kernelTest({feature: 'links of XDP and tcx', since: '6.6'});

/** What a process works on, and what has to hold of it when that was killed. */
export interface Scene<K extends keyof Scenes> {
	readonly name: K;
	readonly scene: Scenes[K];
	/** Fails where neither the old nor the new state is whole. */
	readonly check: () => void | Promise<void>;
	/** Does what the next process does; fails unless all is well then. */
	readonly mend: () => void | Promise<void>;
}

const kills = Math.max(1, Math.ceil(Number(process.env['SKEP_KILLS'] ?? 12) / 4));
const seed = Number(process.env['SKEP_SEED'] ?? Date.now() % 2 ** 31);

/** Starts the work, kills it within two of its rounds, `moment` of 1, and waits for its end. */
async function killAt({name, scene}: Scene<keyof Scenes>, moment: number): Promise<void> {
	const args = [name, JSON.stringify(scene)];
	const child = fork(new URL('kill-child.js', import.meta.url), args);
	const exited = once(child, 'exit');
	const [first] = await Promise.race([
		once(child, 'message') as Promise<[number]>,
		exited.then(([code]): never => {
			throw new Error(`${name}: the work ended by itself, with ${String(code)}`);
		}),
	]);
	await new Promise(resolve => setTimeout(resolve, moment * 2 * first));
	child.kill('SIGKILL');
	await exited;
}

const survives = async <K extends keyof Scenes>(
	t: ExecutionContext,
	make: (t: ExecutionContext) => Promise<Scene<K>>,
): Promise<void> => {
	t.timeout(60_000 * (kills + 4));
	t.log(`seed ${seed}`);
	const made = await make(t);
	const unit = fc.double({min: 0, max: 1, noNaN: true});
	for (const moment of fc.sample(unit, {seed, numRuns: kills})) {
		await killAt(made, moment);
		await made.check();
		await made.mend();
	}

	t.pass();
};

kernel('killed while it loads and attaches: one program or none', async t =>
	survives(t, makeAttachScene),
);
kernel('killed while it upgrades and migrates: no element is lost', async t =>
	survives(t, makeMigrateScene),
);
kernel(
	'killed while the datapath goes up, is upgraded and goes down: up and down mend it',
	async t => survives(t, makeDatapathScene),
);
kernel('killed while it replaces a policy: the old one or the new', async t =>
	survives(t, makePolicyScene),
);
