/** An object as large as they come, beside the calls that it takes: what is lost between them. */

import {execFileSync} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

import {compileObject} from '../src/index.js';
import {build, output, project} from './floor.js';
import {largest, largeSource} from './large-object-source.js';
import type {Timed} from './measure.js';
import {atLeast, figures, type Figure} from './report.js';

/** In a process of its own, whose calls can be written down. */
export async function benchLargeObject(rounds: number): Promise<Figure[]> {
	mkdirSync(build, {recursive: true});
	const source = join(build, 'large_object.bpf.c');
	const object = join(build, 'large_object.bpf.o');
	writeFileSync(source, largeSource(largest));
	await compileObject(source, {output: object});
	const child = [join(output, 'bench/large-object-child.js'), object, String(rounds)];
	const text = execFileSync(process.execPath, child, {
		encoding: 'utf8',
		env: {...process.env, SKEP_ADDON: join(project, 'bench/native/wrapped-addon.cjs')},
	});
	return figures(JSON.parse(text) as Timed[], 'ms', {
		'skep: load': atLeast(0.91),
		'skep: read and load': atLeast(0.91),
	});
}
