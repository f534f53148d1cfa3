'use strict';

// The addon as an object whose functions can be replaced.

const path = require('node:path');

const addon = require(path.join(__dirname, '../../build/Release/skep.node'));
module.exports = Object.fromEntries(
	Object.getOwnPropertyNames(addon).map(name => [name, addon[name]]),
);
