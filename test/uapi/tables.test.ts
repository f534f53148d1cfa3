import test from 'ava';
import fc from 'fast-check';
import {UsageError} from '../../src/base/errors.js';
import {attachTypeNumber, attachTypeSince} from '../../src/uapi/attach-types.js';
import {errnoName, errnoText} from '../../src/uapi/errno.js';
import {attachFlags, flagNames, mapFlags, xdpFlags} from '../../src/uapi/flags.js';
import {helperName} from '../../src/uapi/helpers.js';
import {linkTypeSince} from '../../src/uapi/link-types.js';
import {
	type MapType,
	mapTypeName,
	mapTypeNumber,
	mapTypeSince,
	mapTypes,
} from '../../src/uapi/map-types.js';
import {programTypeName} from '../../src/uapi/program-types.js';
import {tcActionName, xdpActionName} from '../../src/uapi/verdicts.js';

test('a name and its number lead to each other', t => {
	for (const [name, number] of Object.entries(mapTypes)) {
		t.is(mapTypeName(number), name as MapType);
		t.is(mapTypeNumber(name as MapType), number);
	}
});

test('a number that no table knows goes through its name and back', t => {
	fc.assert(
		fc.property(fc.integer({min: -(2 ** 31), max: 2 ** 32 - 1}), number => {
			return mapTypeNumber(mapTypeName(number)) === number;
		}),
	);
	t.is(programTypeName(4711), 'unknown(4711)');
});

const refused = test.macro({
	exec(t, name: string) {
		t.throws(() => mapTypeNumber(name as MapType), {
			instanceOf: UsageError,
			message: `look up map type "${name}": no such map type`,
		});
	},
	title: (_, name) => `"${name}" is no map type`,
});

test(refused, 'hsh');
test(refused, '');
test(refused, '__proto__');
test(refused, 'constructor');
test(refused, 'unknown(1)x');
test(refused, 'unknown()');

test('the first kernel of a feature is known, and undefined for what is unknown', t => {
	t.is(mapTypeSince('ringbuf'), '5.8');
	t.is(attachTypeSince('tcx_ingress'), '6.6');
	t.is(linkTypeSince('netkit'), '6.7');
	t.is(mapTypeSince('unspec'), undefined);
	t.is(mapTypeSince('unknown(99)'), undefined);
	t.is(attachTypeNumber('xdp'), 37);
});

test('flag bits print by name, lowest first, and the nameless ones as a number', t => {
	t.deepEqual(flagNames(mapFlags.rdonly_prog | mapFlags.mmapable, mapFlags), [
		'rdonly_prog',
		'mmapable',
	]);
	t.deepEqual(flagNames(0, mapFlags), []);
	t.deepEqual(flagNames(0x80000001, xdpFlags), ['update_if_noexist', '0x80000000']);
	t.deepEqual(flagNames(attachFlags.before | attachFlags.link, attachFlags), ['before', 'link']);
});

test('verdicts print by name whether the number comes signed or as u32', t => {
	t.is(xdpActionName(2), 'pass');
	t.is(xdpActionName(9), 'unknown(9)');
	t.is(tcActionName(-1), 'unspec');
	t.is(tcActionName(0xffffffff), 'unspec');
	t.is(tcActionName(7), 'redirect');
});

test('helper functions print by name', t => {
	t.is(helperName(1), 'map_lookup_elem');
	t.is(helperName(211), 'cgrp_storage_delete');
	t.is(helperName(0xfffff), 'unknown(1048575)');
});

const errnos = test.macro({
	exec(t, errno: number, name: string, text: string) {
		t.is(errnoName(errno), name);
		t.is(errnoText(errno), text);
	},
	title: (_, errno, name) => `errno ${errno} is ${name}`,
});

test(errnos, 1, 'EPERM', 'operation not permitted');
test(errnos, 7, 'E2BIG', 'argument list too long');
test(errnos, 11, 'EAGAIN', 'resource temporarily unavailable');
test(errnos, 95, 'EOPNOTSUPP', 'operation not supported');
test(errnos, 116, 'ESTALE', 'stale handle');
test(errnos, 524, 'ENOTSUPP', 'operation not supported');
test(errnos, 4711, 'errno 4711', 'errno 4711');
