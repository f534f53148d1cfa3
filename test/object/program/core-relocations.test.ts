/** CO-RE relocations of compiled programs, on the running kernel and beside libbpf. */

import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {parseElf} from '../../../src/format/elf/elf.js';
import {VerifierError} from '../../../src/format/log/verifier-error.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {verifyCollection} from '../../../src/object/collection/verify-collection.js';
import type {TargetBtf} from '../../../src/object/program/core-target.js';
import {readObject} from '../../../src/spec/read.js';
import {Types} from '../../format/btf/types.js';
import {compile, fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {run} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';

const kernel = kernelTest({feature: 'programs with types of the kernel', since: '5.5'});

const fixture = 'core/relocations';

/** Instructions as the kernel keeps them, by program, of an object that bpftool loads. */
async function translatedByBpftool(object: string): Promise<Record<string, string>> {
	const script = `mount -t bpf bpf /sys/fs/bpf && bpftool prog loadall '${object}' /sys/fs/bpf/x >&2 && for pin in /sys/fs/bpf/x/*; do echo "== $(basename $pin)"; bpftool prog dump xlated pinned $pin; done`;
	const text = await run('unshare', '-m', 'sh', '-c', script);
	const programs = text.split(/^== /m).slice(1);
	return Object.fromEntries(
		programs.map(each => {
			const end = each.indexOf('\n');
			return [each.slice(0, end), withoutIds(each.slice(end + 1))];
		}),
	);
}

async function translatedBySkep(object: string): Promise<Record<string, string>> {
	using collection = loadCollection(await readObject(object));
	const translated: Record<string, string> = {};
	for (const [name, program] of Object.entries(collection.programs)) {
		const id = String(program.info().id);
		translated[name] = withoutIds(await run('bpftool', 'prog', 'dump', 'xlated', 'id', id));
	}

	return translated;
}

/** Numbers of maps and addresses of subprograms are new with each load. */
function withoutIds(dump: string): string {
	return dump.replaceAll(/\[id:\d+\]/g, '[id]').replaceAll(/#bpf_prog_\w+/g, '#bpf_prog');
}

kernel('relocated programs are those that libbpf makes', async t => {
	const object = await fixtureObject(fixture);
	const expected = await translatedByBpftool(object);
	t.deepEqual(Object.keys(expected).sort(), [
		...['bitfields', 'calls', 'direct', 'enumerators', 'exists', 'fields', 'guarded'],
	]);
	t.deepEqual(await translatedBySkep(object), expected);
});

/** The object with each relocation that asks whether a type exists asking whether it matches. */
async function matchingObject(t: ExecutionContext): Promise<string> {
	// Compilers before clang 15 do not know the question.
	const source = `
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include <bpf/bpf_core_read.h>
		char _license[] SEC("license") = "GPL";
		struct list_head { struct list_head *next, *prev; };
		struct list_head___more { struct list_head *next, *prev; int no_such; };
		struct list_head___wrong { int next; };
		struct hlist_node { struct hlist_node *next, **pprev; };
		struct callback_head___function { void *next; void (*func)(struct callback_head *); };
		struct callback_head___other { void *next; void (*func)(int, int); };
		struct callback_head { struct callback_head *next; void (*func)(struct callback_head *); };
		struct task_struct___part { int pid; char comm[16]; };
		struct task_struct___signed { unsigned pid; };
		struct task_struct___length { char comm[15]; };
		struct task_struct___behind { struct mm_struct *mm; };
		struct mm_struct { int no_such; };
		enum bpf_map_type___part { BPF_MAP_TYPE_HASH___x = 7 };
		enum bpf_map_type___wrong { NO_SUCH = 1 };
		typedef int pid_t;
		typedef unsigned gfp_t;
		typedef long uid_t;
		long results[32];
		SEC("raw_tp/cpuhp_enter") int matches(void *ctx)
		{
			results[0] = bpf_core_type_exists(struct list_head);
			results[1] = bpf_core_type_exists(struct list_head___more);
			results[2] = bpf_core_type_exists(struct list_head___wrong);
			results[3] = bpf_core_type_exists(struct hlist_node);
			results[4] = bpf_core_type_exists(struct callback_head___function);
			results[5] = bpf_core_type_exists(struct callback_head___other);
			results[6] = bpf_core_type_exists(struct callback_head);
			results[7] = bpf_core_type_exists(struct task_struct___part);
			results[8] = bpf_core_type_exists(struct task_struct___signed);
			results[9] = bpf_core_type_exists(struct task_struct___length);
			results[10] = bpf_core_type_exists(struct task_struct___behind);
			results[11] = bpf_core_type_exists(enum bpf_map_type___part);
			results[12] = bpf_core_type_exists(enum bpf_map_type___wrong);
			results[13] = bpf_core_type_exists(pid_t);
			results[14] = bpf_core_type_exists(gfp_t);
			results[15] = bpf_core_type_exists(uid_t);
			return 0;
		}`;
	const bytes = await readFile(await compile(source));
	const section = parseElf(bytes).section('.BTF.ext');
	if (section === undefined) throw new Error('no .BTF.ext');
	const view = new DataView(bytes.buffer, bytes.byteOffset + section.offset, section.size);
	const start = view.getUint32(4, true) + view.getUint32(24, true);
	const count = view.getUint32(start + 8, true);
	for (let at = start + 12; at < start + 12 + count * 16; at += 16) {
		t.is(view.getUint32(at + 12, true), 8);
		view.setUint32(at + 12, 12, true);
	}

	const path = join(await makeTempFolder(t), 'matches.bpf.o');
	await writeFile(path, bytes);
	return path;
}

kernel('types match where libbpf says that they do', async t => {
	const object = await matchingObject(t);
	const translated = await translatedBySkep(object);
	t.deepEqual(translated, await translatedByBpftool(object));
	// Some do, and some do not.
	t.regex(translated['matches'] ?? '', /r\d = 1\n/);
	t.regex(translated['matches'] ?? '', /r\d = 0\n/);
});

const refused = test.macro({
	async exec(t, program: string, reason: string, facts: object) {
		const spec = await readObject(await fixtureObject('core/missing'));
		const error = t.throws(() => loadCollection(spec, {programs: [program]}), {
			instanceOf: VerifierError,
		});
		t.is(error.reason.replaceAll(/\(type \d+/g, '(type N'), reason);
		t.true(error.message.includes(error.reason));
		t.like(error.relocation, facts);
		t.regex(error.source?.text ?? '', /return|bpf_get_current_task/);
		t.regex(error.hint ?? '', /bpf_core_field_exists/);
		t.true(error.log.includes(error.reason));
	},
	title: (_, program) => `a program that comes to what is not there names it: ${program}`,
});

kernel(
	refused,
	'field',
	'CO-RE relocation field_byte_offset of struct task_struct___wrong.missing (0:2) failed: struct task_struct (type N of vmlinux): no member "missing"',
	{
		relocation: 'field_byte_offset',
		type: 'struct task_struct___wrong',
		field: 'missing',
		access: '0:2',
		candidates: [{type: 'struct task_struct', of: 'vmlinux', reason: 'no member "missing"'}],
	},
);
kernel(
	refused,
	'type',
	'CO-RE relocation field_byte_offset of struct no_such_type.a (0:0) failed: vmlinux has no struct no_such_type',
	{relocation: 'field_byte_offset', type: 'struct no_such_type', candidates: []},
);
kernel(
	refused,
	'enumerator',
	'CO-RE relocation enumval_value of enum bpf_map_type___more.BPF_MAP_TYPE_NO_SUCH (0) failed: enum bpf_map_type (type N of vmlinux): no enumerator "BPF_MAP_TYPE_NO_SUCH"',
	{relocation: 'enumval_value', field: 'BPF_MAP_TYPE_NO_SUCH'},
);

/** A kernel whose tasks have but a number, at byte 40. */
function smallKernel(): Types {
	const types = new Types();
	types.struct('task_struct', 64, [['tgid', types.int('int', 4, true), 40]]);
	return types;
}

const elsewhere = test.macro({
	async exec(t, target: (folder: string) => Promise<TargetBtf>) {
		const targetBtf = await target(await makeTempFolder(t));
		const spec = await readObject(await fixtureObject(fixture));
		using collection = loadCollection(spec, {targetBtf, programs: ['calls']});
		const id = String(collection.programs['calls']?.info().id);
		t.regex(await run('bpftool', 'prog', 'dump', 'xlated', 'id', id), /r\d (\+)?= 40\n/);
		const [verified] = verifyCollection(spec, {targetBtf, programs: ['calls']});
		t.is(verified?.error, undefined);
	},
	title: title => `${title ?? ''} can be what a program is relocated for`,
});

kernel('BTF in a file', elsewhere, async folder => {
	const path = join(folder, 'small.btf');
	await writeFile(path, smallKernel().builder.build());
	return path;
});
kernel('parsed BTF', elsewhere, async () => Promise.resolve(smallKernel().parse()));
kernel('an object file with BTF', elsewhere, async () =>
	compile(`
		struct task_struct { char before[40]; int tgid; };
		int x(struct task_struct *task) { return task->tgid; }
	`),
);

const notOpened = test.macro({
	async exec(t, bytes: Uint8Array | undefined, message: RegExp) {
		const targetBtf = join(await makeTempFolder(t), 'x.btf');
		if (bytes !== undefined) await writeFile(targetBtf, bytes);
		const spec = await readObject(await fixtureObject(fixture));
		t.throws(() => loadCollection(spec, {targetBtf}), {code: 'ERR_BTF_OPEN', message});
	},
	title: title => `a target that is ${title ?? ''} is an error that names it`,
});

test('no file', notOpened, undefined, /^open btf ".*x\.btf": ENOENT/);
test('no BTF', notOpened, Buffer.alloc(100), /^open btf ".*": read btf: it does not begin/);
test('empty', notOpened, new Uint8Array(0), /^open btf ".*": read btf: 0 bytes/);

kernel('the target is not looked at where nothing asks for it', async t => {
	const spec = await readObject(await fixtureObject('kernel/maps'));
	t.notThrows(() => {
		loadCollection(spec, {targetBtf: '/none'}).close();
	});
});
