#!/usr/bin/env node
// Starts the command line: bundle.cjs, with the code that V8 made of it before.
'use strict';

const build = 'BUILD_ID';
/** Files in the cache. */
const most = 64;
const bundle = `${__dirname}/bundle.cjs`;

// Debugging wants the sources' own lines and coverage the file's own name: both come with a module.
if (process.env.SKEP_DEBUG === '1' || process.env.NODE_V8_COVERAGE) {
	process.setSourceMapsEnabled(true);
	require(bundle);
} else {
	start();
}

function start() {
	const fs = require('node:fs');
	const vm = require('node:vm');

	// One byte a character: the bundle is written in ASCII.
	const text = fs.readFileSync(bundle, 'latin1');
	const folder = `${__dirname}/cache`;
	// V8 knows its own version and flags, but of the source only its length. What has run is
	// compiled, and each verb runs something else.
	const words = process.argv.slice(2).filter(word => /^[a-z]{2,12}$/.test(word));
	const verb = words.slice(0, 2).join('-');
	const cache = `${folder}/${build}-${process.version}-${process.arch}-${verb}`;
	let cachedData;
	try {
		cachedData = fs.readFileSync(cache);
	} catch {
		// The first start.
	}

	const script = new vm.Script(
		`(function (exports, require, module, __filename, __dirname) {${text}\n})`,
		{
			filename: bundle,
			cachedData,
			importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
		},
	);
	if (cachedData === undefined || script.cachedDataRejected) {
		process.once('exit', code => {
			if (code === 0) keep(fs, script, folder, cache);
		});
	}

	script.runInThisContext()({}, require, {}, bundle, __dirname);
}

/** Where the folder may not be written to, every start is like the first. */
function keep(fs, script, folder, cache) {
	try {
		fs.mkdirSync(folder, {recursive: true});
		if (fs.readdirSync(folder).length >= most) return;
		fs.writeFileSync(`${cache}.${process.pid}`, script.createCachedData());
		fs.renameSync(`${cache}.${process.pid}`, cache);
	} catch {
		// Nothing depends on it.
	}
}
