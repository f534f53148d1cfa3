import {existsSync, readFileSync} from 'node:fs';
import test from 'ava';
import {Btf} from '../../src/format/btf/btf.js';
import {attachTypes} from '../../src/uapi/attach-types.js';
import {commands} from '../../src/uapi/commands.js';
import {mapFlags, updateFlags} from '../../src/uapi/flags.js';
import {helpers} from '../../src/uapi/helpers.js';
import {linkTypes} from '../../src/uapi/link-types.js';
import {mapTypes} from '../../src/uapi/map-types.js';
import {programTypes} from '../../src/uapi/program-types.js';
import {tcxActions, xdpActions} from '../../src/uapi/verdicts.js';

type Table = Readonly<Record<string, number>>;

const path = '/sys/kernel/btf/vmlinux';
const btf = existsSync(path) ? Btf.parse(readFileSync(path)) : undefined;
const kernelTest = btf === undefined ? test.skip : test;

/** The kernel's enumeration of that name, or the anonymous one that has that enumerator. */
function enumeration(name: string): Map<string, number> {
	const count = btf?.typeCount ?? 0;
	for (let id = 1; id < count; id++) {
		const type = btf?.type(id);
		if (type?.kind !== 'enum') continue;
		if (type.name === name || type.values.some(value => value.name === name)) {
			return new Map(type.values.map(value => [value.name, value.value]));
		}
	}

	return new Map();
}

// Second names of one number, and the end mark of an enumeration.
const aliases = /_DEPRECATED$|^__|^BPF_PROG_RUN$/;

const agrees = test.macro({
	exec(t, name: string, prefix: string, table: Table) {
		const theirs = enumeration(name);
		const ours = new Map(
			Object.entries(table).map(([key, value]) => [(prefix + key).toUpperCase(), value]),
		);

		// An older kernel lacks the newest names, a newer one has more; no number ever changes.
		const last = Math.max(...ours.values());
		const newer = [...theirs].filter(([, value]) => value > last);
		if (newer.length > 1) t.log(`newer than the table: ${newer.map(String).join(' ')}`);
		const shared = [...theirs].filter(([key, value]) => value <= last && !aliases.test(key));

		t.true(shared.length > 0, `the kernel has ${name}`);
		t.deepEqual(
			shared,
			shared.map(([key]) => [key, ours.get(key.toUpperCase())]),
		);
	},
	title: (_, name) => `the table of ${name} has the running kernel's names and numbers`,
});

kernelTest(agrees, 'bpf_map_type', 'BPF_MAP_TYPE_', mapTypes);
kernelTest(agrees, 'bpf_prog_type', 'BPF_PROG_TYPE_', programTypes);
kernelTest(agrees, 'bpf_attach_type', 'BPF_', attachTypes);
kernelTest(agrees, 'bpf_link_type', 'BPF_LINK_TYPE_', linkTypes);
kernelTest(agrees, 'bpf_cmd', 'BPF_', commands);
kernelTest(agrees, 'bpf_func_id', 'BPF_FUNC_', helpers);
kernelTest(agrees, 'xdp_action', 'XDP_', xdpActions);
kernelTest(agrees, 'tcx_action_base', 'TCX_', tcxActions);
kernelTest(agrees, 'BPF_F_NO_PREALLOC', 'BPF_F_', mapFlags);
kernelTest(agrees, 'BPF_NOEXIST', 'BPF_', {...updateFlags, f_lock: updateFlags.lock});
