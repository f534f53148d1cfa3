/** `map_flags` of `map_create`: `BPF_F_*`. */
export const mapFlags = {
	no_prealloc: 1,
	no_common_lru: 1 << 1,
	numa_node: 1 << 2,
	rdonly: 1 << 3,
	wronly: 1 << 4,
	stack_build_id: 1 << 5,
	zero_seed: 1 << 6,
	rdonly_prog: 1 << 7,
	wronly_prog: 1 << 8,
	clone: 1 << 9,
	mmapable: 1 << 10,
	preserve_elems: 1 << 11,
	inner_map: 1 << 12,
	link: 1 << 13,
	path_fd: 1 << 14,
	vtype_btf_obj_fd: 1 << 15,
	token_fd: 1 << 16,
	segv_on_fault: 1 << 17,
	no_user_conv: 1 << 18,
} as const;

/** `flags` of an element update: `BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST`, `BPF_F_LOCK`. */
export const updateFlags = {any: 0, noexist: 1, exist: 2, lock: 4} as const;

/**
 * Flags of element commands of per-CPU maps, `BPF_F_CPU` and `BPF_F_ALL_CPUS`; the number of the CPU
 * stands in the upper 32 bits. *Kernel:* 7.0.
 */
export const elementFlags = {cpu: 8, all_cpus: 16} as const;

/** `prog_flags` of `prog_load`: `BPF_F_*`. */
export const programFlags = {
	strict_alignment: 1,
	any_alignment: 1 << 1,
	test_rnd_hi32: 1 << 2,
	test_state_freq: 1 << 3,
	sleepable: 1 << 4,
	xdp_has_frags: 1 << 5,
	xdp_dev_bound_only: 1 << 6,
	test_reg_invariants: 1 << 7,
	token_fd: 1 << 16,
} as const;

/**
 * Flags of `prog_attach` and `link_create`: `BPF_F_*`.
 *
 * `before`, `after`, `id` and `link` place a program in a hook that runs many of them
 * (*Kernel:* 6.6 for tcx, 6.7 for netkit, 6.17 for cgroups); `link` says that the neighbour is a
 * link rather than a program, `id` that it is named by id rather than by fd.
 */
export const attachFlags = {
	allow_override: 1,
	allow_multi: 1 << 1,
	replace: 1 << 2,
	before: 1 << 3,
	after: 1 << 4,
	id: 1 << 5,
	preorder: 1 << 6,
	link: 1 << 13,
} as const;

/** `query_flags` of `prog_query`. */
export const queryFlags = {effective: 1} as const;

/** `flags` of `prog_test_run`: `BPF_F_TEST_*`. */
export const testRunFlags = {
	run_on_cpu: 1,
	xdp_live_frames: 1 << 1,
	skb_checksum_complete: 1 << 2,
} as const;

/** Netlink `IFLA_XDP_FLAGS`, also the flags of an XDP link: `XDP_FLAGS_*`. */
export const xdpFlags = {
	update_if_noexist: 1,
	skb_mode: 1 << 1,
	drv_mode: 1 << 2,
	hw_mode: 1 << 3,
	replace: 1 << 4,
} as const;

/** Netlink `IFLA_XDP_ATTACHED`: `XDP_ATTACHED_*`. */
export const xdpAttachedModes = {none: 0, drv: 1, skb: 2, hw: 3, multi: 4} as const;

/** The names of the set bits, lowest first; bits without a name together as one `0x...`. */
export function flagNames(flags: number, table: Readonly<Record<string, number>>): string[] {
	const named = Object.entries(table).filter(([, bit]) => bit !== 0 && (flags & bit) === bit);
	const rest = named.reduce((left, [, bit]) => left & ~bit, flags) >>> 0;
	return [...named.map(([name]) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])];
}
