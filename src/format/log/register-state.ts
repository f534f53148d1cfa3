/** What the verifier knows of registers and stack slots, as its log prints it. */

const named = /(?<![\w-])(R\d+|fp-\d+)(?:_[rwx]+)?=/g;

/** States of registers and stack slots by name, of one line: `R0` to `R10`, `fp-8`. */
export function parseStates(line: string): Map<string, string> {
	const found = [...line.matchAll(named)];
	return new Map(
		found.map(({0: head, 1: name = '', index}, i) => {
			const text = line.slice(index + head.length, found[i + 1]?.index).trimEnd();
			return [name, withoutReferences(text)];
		}),
	);
}

/** References and callbacks follow the last register. */
function withoutReferences(text: string): string {
	return text.replace(/ (?:refs|cb|async_cb)=?\S*(?: .*)?$/, '');
}

interface State {
	readonly kind: string;
	readonly fields: ReadonlyMap<string, string>;
}

function readState(text: string): State | undefined {
	const parts = /^([a-z]\w*)(?:\((.*)\))?$/.exec(text);
	if (parts === null) return undefined;
	const [, kind = '', inside = ''] = parts;
	// Only the last field, var_off, has commas or parentheses of its own.
	const fields = new Map<string, string>();
	let names: string[] = [];
	for (const field of inside.replace(/,?var_off=\(.*$/, '').split(',')) {
		// Several may share a value: smin=smin32=0.
		const pieces = field.split('=');
		const value = pieces.pop() ?? '';
		names = pieces;
		for (const name of names) fields.set(name, value);
	}

	return {kind, fields};
}

const kinds: Readonly<Record<string, string>> = {
	ctx: "the program's context",
	fp: 'the stack',
	pkt_end: 'the end of the packet',
	pkt_meta: "the packet's metadata",
	mem: 'memory',
	ringbuf_mem: 'a record of a ring buffer',
	buf: 'a buffer',
	rdonly_buf: 'a buffer that is only read',
	sock: 'a socket',
	sock_common: 'what sockets have in common',
	tcp_sock: 'a TCP socket',
	xdp_sock: 'a socket of AF_XDP',
	flow_keys: 'keys of a flow',
	func: 'a function',
	dynptr_ptr: 'a dynamic pointer',
};

/**
 * A state in words: `map_value_or_null(id=1,map=counters,ks=4,vs=8)` is "a value of map counters
 * (8 bytes), or NULL". What has no words comes back as it is.
 */
export function describeState(text: string): string {
	if (/^fp-?\d*$/.test(text))
		return text === 'fp0' ? 'the stack' : `the stack at ${text.slice(2)}`;
	if (/^(?:P|inv|scalar\()?-?(?:0x)?[\da-f]+\)?$/i.test(text)) {
		return `the number ${text.replace(/^(?:P|inv|scalar\()/, '').replace(/\)$/, '')}`;
	}

	if (/^[?0m]+$/.test(text)) return stackBytes(text);
	const state = readState(text);
	if (state === undefined) return text;
	const orNull = state.kind.endsWith('_or_null');
	const kind = orNull ? state.kind.slice(0, -'_or_null'.length) : state.kind;
	const what = describeKind(kind, state.fields);
	if (what === undefined) return text;
	return what + place(kind, state.fields) + (orNull ? ', or NULL' : '');
}

function bytes(count = '?'): string {
	return count === '1' ? '1 byte' : `${count} bytes`;
}

function stackBytes(text: string): string {
	if (!text.includes('?')) return 'bytes that were written';
	return text.replace(/\?/g, '') === ''
		? 'bytes that were never written'
		: 'bytes of which some were never written';
}

function describeKind(kind: string, fields: State['fields']): string | undefined {
	switch (kind) {
		case 'scalar':
		case 'inv':
			return describeNumber(fields);
		case 'pkt': {
			const known = Number(fields.get('r') ?? 0);
			return known > 0
				? `the packet, known to have ${bytes(String(known))}`
				: 'the packet, of which no byte is known to be there';
		}
		case 'map_value':
			return `a value of map ${fields.get('map') ?? '?'} (${bytes(fields.get('vs'))})`;
		case 'map_key':
			return `a key of map ${fields.get('map') ?? '?'} (${bytes(fields.get('ks'))})`;
		case 'map_ptr':
			return `map ${fields.get('map') ?? '?'}`;
		case 'mem': {
			const size = fields.get('sz');
			return size === undefined ? kinds[kind] : `memory of ${bytes(size)}`;
		}
		default:
			break;
	}

	const struct =
		/^(trusted_|untrusted_|rcu_|percpu_|user_|rdonly_|ref_)*ptr_(?<struct>\w*)$/.exec(kind)
			?.groups?.['struct'];
	if (struct === undefined) return kinds[kind];
	const trust = /^(?:untrusted|rcu|percpu|user)/.exec(kind)?.[0];
	const of = struct === '' ? 'a pointer' : `a pointer to struct ${struct}`;
	return trust === undefined ? of : `${of} (${trust})`;
}

/** Where a pointer points to in what it points to. */
function place(kind: string, fields: State['fields']): string {
	if (kind === 'scalar' || kind === 'inv') return '';
	const offset = wholeNumber(fields.get('off')) + wholeNumber(fields.get('imm'));
	const low = fields.get('smin') ?? fields.get('umin');
	const high = fields.get('umax') ?? fields.get('smax');
	if (low === undefined && high === undefined) return offset === 0 ? '' : `, at ${offset}`;
	const from = low === undefined && high !== undefined ? '0' : (low ?? '?');
	return `, at ${plus(from, offset)} to ${high === undefined ? 'anywhere' : plus(high, offset)}`;
}

function wholeNumber(text: string | undefined): number {
	const number = Number(text ?? 0);
	return Number.isSafeInteger(number) ? number : 0;
}

function plus(number: string, offset: number): string {
	if (!/^-?(?:0x[\da-f]+|\d+)$/i.test(number)) return number;
	const negative = number.startsWith('-');
	const value = BigInt(negative ? number.slice(1) : number);
	return String((negative ? -value : value) + BigInt(offset));
}

function describeNumber(fields: State['fields']): string {
	const low = fields.get('umin') ?? fields.get('smin');
	const high = fields.get('umax') ?? fields.get('smax');
	if (low === undefined && high === undefined) return 'a number, any';
	const least = low === undefined ? undefined : plus(low, 0);
	const most = high === undefined ? undefined : plus(high, 0);
	if (least === undefined) return `a number up to ${most}, or negative`;
	if (most === undefined) return `a number from ${least}`;
	return `a number from ${least} to ${most}`;
}
