const hints: readonly (readonly [RegExp, string])[] = [
	[/invalid mem access '\w+_or_null'/, 'compare the pointer with NULL before using it'],
	[/invalid mem access 'scalar'/, 'the register holds a number, or a pointer no longer valid'],
	[
		/offset is outside of the packet|invalid access to packet/,
		'compare with data_end, and return, right before the access',
	],
	[/^R0 !read_ok/, 'a path reaches the end, or a use of r0, without setting a return value'],
	[/!read_ok/, 'the register holds nothing here: a call clears r1 to r5'],
	[
		/outside of the allowed memory range|outside of the array range|invalid access to map value/,
		'bound the index (index & (SIZE - 1), or if (index >= SIZE) return) right before the access',
	],
	[
		/unbounded memory access|min value is negative/,
		'bound the value by a mask or a comparison, as unsigned, right before its use',
	],
	[
		/program is too large\. Processed|jumps is too complex/,
		'too complex, not too long: fewer branches, shorter loops, bpf_loop(), or tail calls',
	],
	[
		/^infinite loop detected|back-edge/,
		'the verifier sees no progress: count the loop with a bound',
	],
	[/^unreachable insn/, 'no path leads here: remove the code, or the jump around it'],
	[
		/^combined stack size|write to stack R\d+ off=-\d{3,}/,
		'a call chain has 512 bytes of stack: keep large values in a per-CPU array',
	],
	[/call stack of \d+ frames is too deep/, 'at most 8 functions can be nested, and none recurse'],
	[
		/Unreleased reference|reference leak/,
		'release what the call returned (bpf_sk_release, bpf_ringbuf_submit, ...) on every path',
	],
	[/cannot use helper|unknown func /, 'this helper does not exist for programs of this type'],
	[
		/^CO-RE relocation /,
		'ask with bpf_core_field_exists() or bpf_core_type_exists() before, or declare what is there',
	],
	[/^invalid func unknown#/, 'this kernel has no such helper function'],
	[
		/pointer -= pointer prohibited|pointer comparison prohibited|leaks addr/,
		'programs that calculate with pointers need CAP_PERFMON',
	],
	[/GPL-restricted/, 'set the license section to "GPL" or "Dual BSD/GPL"'],
	[/bpf_spin_lock-ed region/, 'unlock on every path before the program ends'],
	[/^misaligned /, 'the access must be aligned to its size'],
	[/^write into map forbidden/, 'the map, or the .rodata section, is read-only for programs'],
	[/should have been in /, 'this kind of program may only return the values named'],
	[
		/^invalid bpf_context access/,
		'the context has no such field for programs of this type, or it is only read',
	],
	[
		/dereference of modified ctx ptr/,
		'pass the context as it was given, and read fields by name',
	],
	[/zero-sized read/, 'the size may be 0 here: compare it with 1 before the call'],
	[
		/unbounded variable-offset|variable stack (?:access|read|write)|invalid variable-offset/,
		'bound the index (index & (SIZE - 1)) right before the access',
	],
	[/calls are not allowed while holding a lock/, 'unlock before any call'],
	[
		/Expected an initialized (?:dynptr|iter)/,
		'make it first: bpf_dynptr_from_*(), bpf_ringbuf_reserve_dynptr(), bpf_iter_*_new()',
	],
	[/Expected (?:a|an) .* as (?:arg|const)/, 'the call takes another kind of argument'],
	[/^cannot write into packet/, 'programs of this type only read packets'],
	[/cannot pass map_type/, 'this helper does not work on maps of this type'],
	[/type=\S+ expected=/, 'the call takes another kind of pointer: see what is expected'],
	[/^div by zero/, 'divide by what is not 0; a variable divisor may be 0, and then gives 0'],
	[/^invalid shift/, 'shift by less than the width of the register'],
	[
		/pointer arithmetic with|pointer \+= pointer prohibited|tried to (?:add|subtract)/,
		'to pointers numbers may be added or taken from them, and nothing else',
	],
	[
		/stores into R\d+ \w+ is not allowed/,
		'atomic operations are for values of maps and the stack',
	],
	[/invalid size of register fill/, 'a pointer on the stack is read back with all 8 bytes'],
	[/invalid read from stack R10 off=\d/, 'the stack lies below r10: offsets are negative'],
	[/^frame pointer is read only/, 'copy r10 to another register before calculating with it'],
	[/^last insn is not an exit or jmp/, 'end every function with a return'],
	[/^jump out of range/, 'the jump leaves its function: let the compiler make it'],
	[/is not a known value \(/, 'return a number, not a pointer'],
	[/^\[\d+\] \w+ .*Invalid arg#\d/, 'name the arguments of global functions, or drop their BTF'],
	[/invalid mem access 'pkt_end'/, 'data_end is only compared with, never read'],
	[/^missing btf func_info|^invalid btf/i, 'the object needs BTF: compile with -g'],
	[
		/failed to find the address for kernel symbol/,
		'the kernel has no addresses of data: it was built without CONFIG_KALLSYMS_ALL',
	],
	[/kernel function \S+ is not allowed/, 'programs of this type may not call it'],
];

/** Advice on the commonest refusals; undefined for all others. */
export function hintFor(messages: readonly string[]): string | undefined {
	for (const message of messages.toReversed()) {
		const found = hints.find(([pattern]) => pattern.test(message));
		if (found !== undefined) return found[1];
	}

	return undefined;
}
