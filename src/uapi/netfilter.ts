/** Protocol families of netfilter hooks: `NFPROTO_*`. */
export const netfilterFamilies = {ipv4: 2, ipv6: 10} as const;

/** Where in the stack: `NF_INET_*`. */
export const netfilterHooks = {
	prerouting: 0,
	input: 1,
	forward: 2,
	output: 3,
	postrouting: 4,
} as const;

/** Flags of a netfilter link: `BPF_F_NETFILTER_*`. */
export const netfilterFlags = {ip_defrag: 1} as const;

/** The name of a number in one of these tables; `unknown(N)` where it has none. */
export function netfilterName(table: Readonly<Record<string, number>>, number: number): string {
	const found = Object.entries(table).find(([, each]) => each === number);
	return found?.[0] ?? `unknown(${number})`;
}
