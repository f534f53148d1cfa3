/** What users of BPF loaders trip over, and the tests that it does not happen here. */

import {existsSync, readFileSync} from 'node:fs';
import test from 'ava';

const project = new URL('../../', import.meta.url);

interface Trouble {
	readonly trouble: string;
	/** Test files, each with parts of the titles in it. */
	readonly tests?: Readonly<Record<string, readonly string[]>>;
	/** Why no test is needed. */
	readonly because?: string;
}

const troubles: readonly Trouble[] = [
	{
		trouble: 'the log is truncated, and hides the errno of the refusal',
		tests: {
			'test/object/program/load-program.test.ts': [
				'is refused with the line that says why',
				'a log that was asked for is kept',
			],
		},
	},
	{
		trouble: 'the log is unreadable, and only its last line is shown',
		tests: {
			'test/format/log/verifier-error.test.ts': ['the excerpt is what matters'],
			'test/cli/kernel.test.ts': ['with its whole log in a file'],
		},
	},
	{
		trouble: '"argument list too long" means size or complexity',
		tests: {
			'test/format/log/verifier-error.test.ts': ['a program that is too long gets no log'],
			'test/format/log/verifier-log.test.ts': ['too-complex'],
			'test/object/collection/large.test.ts': ['with more maps than the kernel allows'],
		},
	},
	{
		trouble: 'EPERM has four causes',
		tests: {
			'test/kernel/host/host.test.ts': ['EPERM is explained by'],
			'test/kernel/doctor/examine.test.ts': ['the one thing that stops'],
		},
	},
	{
		trouble: 'CAP_SYS_ADMIN is asked for where less would do',
		tests: {
			'test/kernel/doctor/host.test.ts': ['are enough to load, attach, pin and dump'],
			'test/least/user.test.ts': ['a user with CAP_BPF and CAP_NET_ADMIN alone'],
			'test/object/hook/attach.test.ts': ['without CAP_SYS_ADMIN a predecessor is found'],
			'test/spec/core-relo/candidates.test.ts': ['modules that cannot be read are as good'],
		},
	},
	{
		trouble: 'a pinned map does not fit after an upgrade, and nobody says in which field',
		tests: {
			'test/object/map/reuse-pin.test.ts': [
				'a pinned map whose fields are',
				"valueSize is 24, the object wants 32; choose 'migrate'",
			],
			'test/object/migrate/prog-array.test.ts': [
				'a ring buffer is compared by the size that the kernel rounds it to',
			],
		},
	},
	{
		trouble: 'what to do with a pin that does not fit: fail, recreate or migrate',
		tests: {
			'test/object/map/reuse-pin.test.ts': ['a recreated map takes the pin only when'],
			'test/object/migrate/load.test.ts': ['loses no entry and no count'],
		},
	},
	{
		trouble: 'the same shape with a new meaning',
		tests: {'test/object/map/reuse-pin.test.ts': ['is a mismatch']},
		because: 'a field that means something else has another name, and names are compared',
	},
	{
		trouble: 'two loaders race to create a pin',
		tests: {'test/object/map/reuse-pin.test.ts': ['many loads that race for a pin']},
	},
	{
		trouble: 'XDP is replaced by switching it off and on',
		tests: {
			'test/object/hook/attach.test.ts': ['traffic, no packet is lost'],
			'test/object/link/attach.test.ts': ['a link is replaced, and only when'],
		},
	},
	{
		trouble: 'an update fails because the expected attach types differ',
		tests: {
			'test/object/hook/attach.test.ts': [
				'another expected attach type is refused, saying so',
			],
		},
	},
	{
		trouble: 'EBUSY, and nobody knows who is there',
		tests: {
			'test/object/link/attach-xdp.test.ts': ['a busy hook names its owner'],
			'test/object/link/attach-cgroup.test.ts': ['held exclusively names the owner'],
		},
	},
	{
		trouble: 'native XDP is refused with "invalid argument", or becomes generic in silence',
		tests: {
			'test/object/link/attach-xdp.test.ts': [
				'refused in the words of the driver',
				'never given generic XDP unasked',
			],
			'test/object/link/xdp-refusal.test.ts': ['LRO', 'xdp.frags'],
		},
	},
	{
		trouble: 'several XDP programs on one device',
		tests: {
			'test/object/xdp-set/xdp-set.test.ts': ['while members come and go, no packet is lost'],
			'test/object/xdp-set/libxdp.test.ts': ['is known, listed and left alone'],
		},
	},
	{
		trouble: 'tc filters are left after a crash, or doubled',
		tests: {
			'test/object/hook/attach.test.ts': ['a filter of clsact is replaced in place'],
			'test/kernel/netlink/tc.test.ts': ['are made, replaced in place and removed'],
		},
	},
	{
		trouble: 'deleting a clsact removes the filters of others',
		tests: {
			'test/object/link/old-kernel.test.ts': [
				'a clsact that was there, and filters of others, stay',
				'an older ingress takes filters on ingress',
			],
			'test/kernel/netlink/exchange.test.ts': ['a list that changed meanwhile says so'],
		},
	},
	{
		trouble: 'tcx needs a new kernel',
		tests: {'test/object/link/old-kernel.test.ts': ['clsact has no anchors']},
	},
	{
		trouble: 'the order among others on tc and tcx',
		tests: {
			'test/object/link/attach.test.ts': [
				'tcx programs run in the order they were placed in',
				'a hook that changed meanwhile refuses an expected revision',
			],
		},
	},
	{
		trouble: 'a program on a cgroup stays, or a replacement is silently appended',
		tests: {
			'test/object/link/old-kernel.test.ts': [
				'attached beside others, replaced and detached',
			],
			'test/object/hook/attach.test.ts': ['foreign programs on tcx and cgroups are kept'],
		},
	},
	{
		trouble: 'a program array is emptied, or mixes old code and new',
		tests: {
			'test/object/migrate/prog-array.test.ts': [
				'a pinned program array is never filled anew',
				'programs that only their own array keeps',
			],
		},
	},
	{
		trouble: 'the size of per-CPU values: possible CPUs, strides of 8 bytes',
		tests: {
			'test/native/memory.test.ts': ['exchanges'],
			'test/object/map/map.test.ts': ['percpu'],
		},
	},
	{
		trouble: 'the padding of a C struct is not that of the host',
		tests: {
			'test/format/codec/generate-encode.test.ts': ['padding is written as zero'],
			'test/object/map/reuse-pin.test.ts': ['a pinned map whose fields are'],
		},
	},
	{
		trouble: 'byte order of fields, and objects of the other byte order',
		tests: {
			'test/format/codec/fields.test.ts': ['be16'],
			'test/spec/refusals.test.ts': ['of the other byte order is described, and refused'],
		},
	},
	{
		trouble: 'iterating over a map that changes never ends, or doubles',
		tests: {
			'test/object/map/scan.test.ts': [
				'that changes meanwhile is read to its end, each element once',
			],
		},
	},
	{
		trouble: 'batches: ENOSPC, unsupported, loops that hang',
		tests: {
			'test/object/map/scan.test.ts': [
				'every element is read once, whatever the size of the batches',
				'a map without batches is walked',
			],
		},
	},
	{
		trouble: 'collecting expired connections kills those that were opened anew',
		tests: {
			'test/datapath/conntrack/sweep.test.ts': [
				'opened anew between its reading and its deletion stays',
			],
		},
	},
	{
		trouble: 'CO-RE fails and does not say for which field',
		tests: {
			'test/object/program/core-relocations.test.ts': [
				'a program that comes to what is not there names it',
			],
			'test/spec/core-relo/candidates.test.ts': ['candidates that differ are ambiguous'],
			'test/object/program/core-target.test.ts': ['modules whose types are damaged'],
		},
	},
	{
		trouble: "the kernel's types cost memory and time",
		tests: {
			'test/spec/core-relo/candidates.test.ts': [
				'the target is asked for once, and only where a relocation needs it',
			],
			'test/native/types.test.ts': ["the kernel's types are mapped"],
		},
	},
	{
		trouble: 'the garbage collector closes a descriptor, or a program closes one twice',
		tests: {
			'test/kernel/sys/fd.test.ts': [
				'a descriptor that was',
				'closing twice does not close who has the number now',
			],
		},
	},
	{
		trouble: 'old map syntax, bpffs that is not mounted, a path with a dot',
		tests: {
			'test/object/collection/conventions.test.ts': ['maps in the old syntax'],
			'test/object/map/reuse-pin.test.ts': ['says how to mount one'],
			'test/kernel/host/host.test.ts': ['with.dot'],
		},
	},
];

test('there are thirty', t => {
	t.is(troubles.length, 30);
});

const covered = test.macro({
	exec(t, {tests, because}: Trouble) {
		t.true(tests !== undefined || because !== undefined);
		for (const [file, titles] of Object.entries(tests ?? {})) {
			t.true(existsSync(new URL(file, project)), file);
			const text = readFileSync(new URL(file, project), 'utf8');
			for (const title of titles) t.true(text.includes(title), `${file}: ${title}`);
		}
	},
	title: (_, row: Trouble) => `has a test: ${row.trouble}`,
});

for (const trouble of troubles) test(covered, trouble);
