/** One word for how two loads of an object compare, and the reason where they differ. */

import type {Comparison} from './outcome.js';

export type Verdict =
	/** Both load it, and the kernel holds the same. */
	| 'same'
	/** Both refuse it, and skep's error says what libbpf's says. */
	| 'refused'
	/** Both refuse it, for different reasons. */
	| 'refused otherwise'
	| 'differs'
	| 'only skep'
	| 'only libbpf'
	| 'not compiled'
	| 'broken';

export interface Row {
	readonly corpus: string;
	readonly object: string;
	readonly verdict: Verdict;
	readonly programs: number;
	readonly maps: number;
	/** Empty where nothing needs one, or where nobody knows one. */
	readonly reason: string;
}

interface Rule {
	readonly verdicts: readonly Verdict[];
	/** In what libbpf said, what skep said, or what differs. */
	readonly sign: RegExp;
	readonly reason: string;
}

const rules: readonly Rule[] = [
	{
		verdicts: ['only skep', 'refused otherwise'],
		sign: /missing BPF prog type|supported section\(type\) names/,
		reason: 'libbpf knows no such section: skep takes newer names, and names that begin with a known one',
	},
	{
		verdicts: ['only skep', 'refused otherwise'],
		sign: /program '\w+' is static and not supported/,
		reason: 'a static program: libbpf takes none',
	},
	{
		verdicts: ['only skep'],
		sign: /legacy map definitions/,
		reason: 'legacy map definitions: libbpf takes none since 1.0',
	},
	{
		verdicts: ['only skep', 'refused otherwise'],
		sign: /map '\w+': failed to create: Invalid argument/,
		reason: 'a size that depends on the machine (a ring buffer without one): skep fills it in',
	},
	{
		verdicts: ['only skep', 'refused otherwise'],
		sign: /extern \(.*(not found|not resolved|incompatible)/,
		reason: 'libbpf resolves all externs first, skep those of programs that are loaded; a weak one that does not fit is absent',
	},
	{
		verdicts: ['only skep', 'refused otherwise'],
		sign: /doesn't contain any bpf program/,
		reason: 'an object without programs: bpftool loads none',
	},
	{
		verdicts: ['only skep'],
		sign: /Error finalizing \.BTF/,
		reason: 'constants that the compiler merged: libbpf does not find their variables',
	},
	{
		verdicts: ['only skep'],
		sign: /struct_ops init_kern \w+: Cannot find member/,
		reason: 'a member that the kernel does not have and that is 0: newer than libbpf 1.1',
	},
	{
		verdicts: ['differs'],
		sign: /functions is \d+, not 0$/,
		reason: 'libbpf gives up the types where the compiler moved a variable to another section',
	},
	{
		verdicts: ['differs'],
		sign: /map missing: \S+\.(data|rodata|bss) array \d+ \d+ 1 0x\d+ /,
		reason: 'libbpf lets user space share sections with global variables only, skep all',
	},
	{
		verdicts: ['differs'],
		sign: /lines is \d+, not \d+$/,
		reason: 'LINUX_HAS_SYSCALL_WRAPPER: libbpf tries a kprobe, which this kernel refuses; skep asks kallsyms',
	},
];

export function judge(corpus: string, object: string, comparison: Comparison): Row {
	const verdict = verdictOf(comparison);
	const {programs, maps} = comparison;
	return {corpus, object, verdict, programs, maps, reason: reasonFor(verdict, comparison)};
}

function verdictOf({libbpf, skep, differences}: Comparison): Verdict {
	if (libbpf === undefined && skep === undefined) {
		return differences.length === 0 ? 'same' : 'differs';
	}

	if (libbpf === undefined) return 'only libbpf';
	if (skep === undefined) return 'only skep';
	return unsaid(libbpf, skep).length === 0 ? 'refused' : 'refused otherwise';
}

function reasonFor(verdict: Verdict, {libbpf = '', skep = '', differences}: Comparison): string {
	if (verdict === 'same') return '';
	if (verdict === 'refused') return shorten(skep);
	const signs = [libbpf, skep, ...differences];
	const rule = rules.find(
		({verdicts, sign}) => verdicts.includes(verdict) && signs.some(each => sign.test(each)),
	);
	if (rule !== undefined) return rule.reason;
	if (verdict !== 'refused otherwise') return '';
	const missing = unsaid(libbpf, skep).join(', ');
	return `${shorten(skep)} (libbpf: ${shorten(missing)})`;
}

/** What libbpf's refusal names and skep's does not: objects, and what the verifier said last. */
export function unsaid(libbpf: string, skep: string): string[] {
	const lines = libbpf.split('\n');
	const deciding = lines.find(line => /^libbpf: .*(fail|not |missing|unsupp|invalid)/.test(line));
	const names = (deciding ?? '').matchAll(/'([^']+)'/g);
	const facts = Array.from(names, ([, name = '']) => name).filter(name => !name.includes('/'));
	const missing = facts.filter(fact => !skep.includes(fact));
	const reasons = verifierReasons(lines);
	if (reasons.length > 0 && !reasons.some(reason => skep.includes(reason))) {
		missing.push(reasons.at(-1) ?? '');
	}

	return missing;
}

/** The last lines of the verifier's log; which of them decides, only a reader knows. */
function verifierReasons(lines: readonly string[]): string[] {
	const end = lines.findIndex(line => line.startsWith('processed '));
	return lines
		.slice(Math.max(0, end - 3), Math.max(0, end))
		.filter(line => !line.includes('PROG LOAD LOG') && line.trim() !== '')
		.map(line => /CO-RE relocation <\w+> \[\d+\] ([\w .]+)/.exec(line)?.[1] ?? line)
		.map(line => line.trim().slice(0, 60));
}

/** Worse is more. */
const ranks: Readonly<Record<Verdict, number>> = {
	same: 0,
	refused: 0,
	'not compiled': 0,
	'only skep': 1,
	'refused otherwise': 1,
	differs: 2,
	'only libbpf': 3,
	broken: 4,
};

/** Kernels differ in what they refuse: loaded by both is as good as refused by both. */
export function isWorse(now: Verdict, before: Verdict | undefined): boolean {
	return ranks[now] > ranks[before ?? 'same'];
}

function shorten(text: string): string {
	const line = text.replaceAll(/\s+/g, ' ').replaceAll(/"?\/[^\s"]*\/([^\s"/]+)"?/g, '$1');
	return line.length <= 160 ? line : `${line.slice(0, 159)}…`;
}
