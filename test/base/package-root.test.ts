import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {packageRoot} from '../../src/base/package-root.js';

test('the package is found from a file inside of it', t => {
	const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
		name: string;
	};
	t.is(manifest.name, 'skep');
});
