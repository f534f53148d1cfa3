import {readFile} from 'node:fs/promises';
import test from 'ava';
import {Btf} from '../../src/format/btf/btf.js';
import {createCodec} from '../../src/format/codec/codec.js';
import {parseElf} from '../../src/format/elf/elf.js';
import {dumpC} from '../../src/format/btf/c/dump.js';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import {parseObject} from '../../src/spec/read.js';
import {compile} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum nowhere;

struct user {
	enum nowhere *kind;
	int number;
};

struct user user;

SEC("xdp")
int run(struct xdp_md *ctx)
{
	return user.number;
}

char _license[] SEC("license") = "GPL";
`;

test('an enum that is only declared has no size, and none of its values can be read', async t => {
	const btf = Btf.parse(
		parseElf(await readFile(await compile(source))).section('.BTF')?.data ?? new Uint8Array(),
	);
	const type = btf.find('nowhere', 'enum');
	t.is(type?.size, 0);
	t.throws(() => createCodec(btf, type?.id ?? 0), {
		code: 'ERR_CODEC',
		message: 'lay out value: enum nowhere is declared and not defined',
	});
	t.regex([...dumpC(btf)].join(''), /enum nowhere \{\n\t__nowhere_is_empty = 0,\n\};/);
});

kernelTest({feature: 'programs with types', since: '5.4'})(
	'the kernel is given a size for it, and takes the types',
	async t => {
		const spec = parseObject(await readFile(await compile(source)));
		t.is(spec.types?.find('nowhere', 'enum')?.size, 4);
		using collection = loadCollection(spec);
		t.is(collection.typesRefusal, undefined);
		t.not(collection.program('run').info().btfId, 0);
	},
);
