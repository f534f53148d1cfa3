/** Values of `perf_event_attr.type`: `PERF_TYPE_*`. */
export const perfEventTypes = {
	hardware: 0,
	software: 1,
	tracepoint: 2,
	hw_cache: 3,
	raw: 4,
	breakpoint: 5,
} as const;

/** `PERF_COUNT_SW_*`. */
export const softwareEvents = {
	cpu_clock: 0,
	task_clock: 1,
	page_faults: 2,
	context_switches: 3,
	cpu_migrations: 4,
	page_faults_min: 5,
	page_faults_maj: 6,
	alignment_faults: 7,
	emulation_faults: 8,
	dummy: 9,
	bpf_output: 10,
	cgroup_switches: 11,
} as const;

/** `PERF_COUNT_HW_*`. */
export const hardwareEvents = {
	cpu_cycles: 0,
	instructions: 1,
	cache_references: 2,
	cache_misses: 3,
	branch_instructions: 4,
	branch_misses: 5,
	bus_cycles: 6,
	stalled_cycles_frontend: 7,
	stalled_cycles_backend: 8,
	ref_cpu_cycles: 9,
} as const;

/** What the event of a perf link is: `BPF_PERF_EVENT_*`. */
export const perfLinkTypes = {
	unspec: 0,
	uprobe: 1,
	uretprobe: 2,
	kprobe: 3,
	kretprobe: 4,
	tracepoint: 5,
	event: 6,
} as const;
