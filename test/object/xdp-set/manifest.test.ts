import test from 'ava';
import fc from 'fast-check';
import {decodeManifest, encodeManifest} from '../../../src/object/xdp-set/manifest.js';
import {withMember, type StoredMember} from '../../../src/object/xdp-set/member.js';

const member = fc.record<StoredMember>({
	name: fc.string({minLength: 1, maxLength: 20}),
	priority: fc.integer({min: -100, max: 100}),
	chain: fc.uniqueArray(fc.constantFrom('aborted', 'drop', 'pass', 'tx', 'redirect')),
	license: fc.constantFrom('GPL', 'Proprietary'),
	flags: fc.constantFrom(0, 32),
	instructions: fc.uint8Array({maxLength: 40}),
	references: fc.array(fc.record({slot: fc.nat(), mapId: fc.nat()}), {maxLength: 3}),
});

test('a list is read as it was written', t => {
	const same = fc.property(fc.array(member, {maxLength: 5}), members => {
		const bytes = encodeManifest(members);
		t.is(bytes.length % 8, 0);
		t.deepEqual(decodeManifest(bytes), members);
	});
	fc.assert(same, {numRuns: 200});
});

const unreadable = test.macro({
	exec(t, text: string) {
		t.is(decodeManifest(Buffer.from(text)), undefined);
	},
	title: (_, text) => `"${text}" is no list of members`,
});

for (const text of [
	'',
	'\0',
	'[]',
	'null',
	'{"version":2,"members":[]}',
	'{"version":1}',
	'{"version":1,"members":[{}]}',
	'{"version":1,"members":[{"name":"a"}]}',
	'{"version":1,"members":[',
])
	test(unreadable, text);

test('members stand by priority, then in the order they joined', t => {
	const ordered = fc.property(fc.array(member, {maxLength: 8}), joining => {
		let members: StoredMember[] = [];
		for (const each of joining) members = withMember(members, each);
		const names = members.map(each => each.name);
		t.is(new Set(names).size, names.length);
		t.is(names.length, new Set(joining.map(each => each.name)).size);
		const priorities = members.map(each => each.priority);
		t.deepEqual(
			priorities,
			priorities.toSorted((a, b) => a - b),
		);
	});
	fc.assert(ordered, {numRuns: 200});
});
