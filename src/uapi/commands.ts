import {createNames, type UnknownName} from './names.js';

/** Commands of bpf(2): the kernel's `enum bpf_cmd` without `BPF_`. */
export const commands = {
	map_create: 0,
	map_lookup_elem: 1,
	map_update_elem: 2,
	map_delete_elem: 3,
	map_get_next_key: 4,
	prog_load: 5,
	obj_pin: 6,
	obj_get: 7,
	prog_attach: 8,
	prog_detach: 9,
	prog_test_run: 10,
	prog_get_next_id: 11,
	map_get_next_id: 12,
	prog_get_fd_by_id: 13,
	map_get_fd_by_id: 14,
	obj_get_info_by_fd: 15,
	prog_query: 16,
	raw_tracepoint_open: 17,
	btf_load: 18,
	btf_get_fd_by_id: 19,
	task_fd_query: 20,
	map_lookup_and_delete_elem: 21,
	map_freeze: 22,
	btf_get_next_id: 23,
	map_lookup_batch: 24,
	map_lookup_and_delete_batch: 25,
	map_update_batch: 26,
	map_delete_batch: 27,
	link_create: 28,
	link_update: 29,
	link_get_fd_by_id: 30,
	link_get_next_id: 31,
	enable_stats: 32,
	iter_create: 33,
	link_detach: 34,
	prog_bind_map: 35,
	token_create: 36,
	prog_stream_read_by_fd: 37,
} as const;

/** A name of `commands`, or `unknown(N)` for one that is newer than this table. */
export type Command = keyof typeof commands | UnknownName;

const names = createNames('bpf command', commands);

/** The name of the kernel's number; `unknown(N)` where this table has none. */
export function commandName(number: number): Command {
	return names.name(number);
}

/**
 * The kernel's number of a name.
 *
 * *Throws:* `ERR_USAGE` for a name that is not in the table.
 */
export function commandNumber(name: Command): number {
	return names.number(name);
}

const since: Readonly<Record<Exclude<keyof typeof commands, 'unspec'>, string>> = {
	map_create: '3.19',
	map_lookup_elem: '3.19',
	map_update_elem: '3.19',
	map_delete_elem: '3.19',
	map_get_next_key: '3.19',
	prog_load: '3.19',
	obj_pin: '4.4',
	obj_get: '4.4',
	prog_attach: '4.10',
	prog_detach: '4.10',
	prog_test_run: '4.12',
	prog_get_next_id: '4.13',
	map_get_next_id: '4.13',
	prog_get_fd_by_id: '4.13',
	map_get_fd_by_id: '4.13',
	obj_get_info_by_fd: '4.13',
	prog_query: '4.15',
	raw_tracepoint_open: '4.17',
	btf_load: '4.18',
	btf_get_fd_by_id: '4.18',
	task_fd_query: '4.18',
	map_lookup_and_delete_elem: '4.20',
	map_freeze: '5.2',
	btf_get_next_id: '5.4',
	map_lookup_batch: '5.6',
	map_lookup_and_delete_batch: '5.6',
	map_update_batch: '5.6',
	map_delete_batch: '5.6',
	link_create: '5.7',
	link_update: '5.7',
	link_get_fd_by_id: '5.8',
	link_get_next_id: '5.8',
	enable_stats: '5.8',
	iter_create: '5.8',
	link_detach: '5.9',
	prog_bind_map: '5.10',
	token_create: '6.9',
	prog_stream_read_by_fd: '6.17',
};

/** The first kernel with this command: `5.7`. */
export function commandSince(name: Command): string | undefined {
	return Object.hasOwn(since, name) ? since[name as keyof typeof since] : undefined;
}
