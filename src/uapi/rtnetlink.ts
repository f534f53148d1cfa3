/** Numbers of rtnetlink messages and attributes: `linux/netlink.h`, `rtnetlink.h`, `if_link.h`, … */

/** `NLMSG_*` and `RTM_*`. */
export const messageTypes = {
	error: 2,
	done: 3,
	new_link: 16,
	get_link: 18,
	set_link: 19,
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
} as const;

/** `NLA_F_NESTED`, and the bits of an attribute's type that are no flags. */
export const nested = 0x80_00;
export const attributeTypeMask = 0x3f_ff;

/** `NLMSGERR_ATTR_*`. */
export const errorAttributes = {message: 1, offset: 2} as const;

/** `IFLA_*`. */
export const linkAttributes = {name: 3, mtu: 4, link_info: 18, xdp: 43} as const;
/** `IFLA_INFO_*`. */
export const linkInfoAttributes = {kind: 1} as const;
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
} as const;
