/**
 * What the source register field of a 16-byte immediate load says about its immediate:
 * `BPF_PSEUDO_*`. With `number` the immediate is just that.
 */
export const pseudoLoads = {
	number: 0,
	map_fd: 1,
	map_value: 2,
	btf_id: 3,
	func: 4,
	map_idx: 5,
	map_idx_value: 6,
} as const;

/** What the source register field of a call says about its immediate: `BPF_PSEUDO_*CALL`. */
export const pseudoCalls = {helper: 0, subprogram: 1, kfunc: 2} as const;
