/** Numbers of rtnetlink messages and attributes: `linux/netlink.h`, `rtnetlink.h`, `if_link.h`, … */

/** `NLMSG_*` and `RTM_*`. */
export const messageTypes = {
	error: 2,
	done: 3,
	new_link: 16,
	delete_link: 17,
	get_link: 18,
	set_link: 19,
	new_address: 20,
	get_address: 22,
	new_route: 24,
	get_route: 26,
	new_neighbour: 28,
	get_neighbour: 30,
	new_qdisc: 36,
	get_qdisc: 38,
	new_filter: 44,
	delete_filter: 45,
	get_filter: 46,
} as const;

/** `NLM_F_*`. */
export const messageFlags = {
	request: 1,
	multi: 2,
	ack: 4,
	dump_interrupted: 0x10,
	/** On the acknowledgement: the request is not repeated in it. */
	capped: 0x1_00,
	/** On the acknowledgement: attributes follow. */
	ack_tlvs: 0x2_00,
	replace: 0x1_00,
	excl: 0x2_00,
	dump: 0x3_00,
	create: 0x4_00,
	append: 0x8_00,
} as const;

/** `NLA_F_NESTED`, and the bits of an attribute's type that are no flags. */
export const nested = 0x80_00;
export const attributeTypeMask = 0x3f_ff;

/** `NLMSGERR_ATTR_*`. */
export const errorAttributes = {message: 1, offset: 2} as const;

/** `IFLA_*`. */
export const linkAttributes = {
	address: 1,
	name: 3,
	mtu: 4,
	link: 5,
	qdisc: 6,
	master: 10,
	link_info: 18,
	stats64: 23,
	netns_fd: 28,
	xdp: 43,
} as const;
/** `IFLA_INFO_*`. */
export const linkInfoAttributes = {kind: 1, data: 2} as const;
/** `IFF_*`, as far as rtnetlink sets or tells them. */
export const interfaceFlags = {up: 1, lower_up: 0x1_00_00} as const;
/** `VETH_INFO_*`. */
export const vethAttributes = {peer: 1} as const;
/** `IFLA_BR_*`. */
export const bridgeAttributes = {forward_delay: 1, stp_state: 5, multicast_snooping: 23} as const;
/** `IFLA_VXLAN_*`. */
export const vxlanAttributes = {
	id: 1,
	local: 4,
	learning: 7,
	port: 15,
	local6: 17,
} as const;

/** `IFA_*`. */
export const addressAttributes = {address: 1, local: 2, flags: 8} as const;
/** `IFA_F_*`. */
export const addressFlags = {no_dad: 2, dad_failed: 8, tentative: 0x40} as const;
/** `RTA_*`. */
export const routeAttributes = {
	destination: 1,
	oif: 4,
	gateway: 5,
	priority: 6,
	table: 15,
} as const;
/** `RT_TABLE_*`, `RTPROT_*`, `RT_SCOPE_*`, `RTN_*`. */
export const routeNumbers = {
	table_main: 254,
	protocol_static: 4,
	scope_universe: 0,
	scope_link: 253,
	type_unicast: 1,
	type_local: 2,
} as const;
/** `NDA_*`. */
export const neighbourAttributes = {destination: 1, link_address: 2} as const;
/** `NUD_*`. */
export const neighbourStates = {
	incomplete: 1,
	reachable: 2,
	stale: 4,
	delay: 8,
	probe: 0x10,
	failed: 0x20,
	no_arp: 0x40,
	permanent: 0x80,
} as const;
/** `NTF_SELF`: an entry of the device itself, such as a forwarding entry of a VXLAN. */
export const neighbourFlagSelf = 2;
/** `TCA_NETEM_*`. */
export const netemAttributes = {rate: 6, latency64: 10, jitter64: 11} as const;
/** `AF_*`. */
export const families = {unspec: 0, ipv4: 2, bridge: 7, ipv6: 10, packet: 17} as const;
/** `IFLA_XDP_*`. */
export const xdpAttributes = {
	fd: 1,
	attached: 2,
	flags: 3,
	program_id: 4,
	native_id: 5,
	generic_id: 6,
	offload_id: 7,
	expected_fd: 8,
} as const;

/** `TCA_*`. */
export const tcAttributes = {kind: 1, options: 2, chain: 11} as const;
/** `TCA_BPF_*`. */
export const tcBpfAttributes = {fd: 6, name: 7, flags: 8, flags_gen: 9, tag: 10, id: 11} as const;
/** `TCA_BPF_FLAG_ACT_DIRECT`. */
export const tcBpfDirectAction = 1;

/** `TC_H_*`: handles of queueing disciplines. */
export const tcHandles = {
	/** Parent of the one that clsact and ingress are. */
	clsact: 0xff_ff_ff_f1,
	ingress: 0xff_ff_ff_f2,
	egress: 0xff_ff_ff_f3,
	major: 0xff_ff_00_00,
	/** Parent of the one that an interface sends through. */
	root: 0xff_ff_ff_ff,
} as const;
