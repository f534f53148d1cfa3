/** What the numbers in events and metrics mean: one list for skep's programs and for Cilium's. */

import {UsageError} from '../base/errors.js';
import {nearest} from '../base/suggest.js';

/** What a number means. */
export interface Meaning {
	/** As it is printed. */
	readonly text: string;
	/** What Hubble calls a drop reason, where it has a name for it. */
	readonly hubble?: string;
	/** What skep's programs call it, where they use it. */
	readonly constant?: string;
}

/** Meanings by number. */
export type Meanings = Readonly<Record<number, Meaning>>;

const means = (text: string, hubble = '', constant = ''): Meaning => ({
	text,
	...(hubble !== '' && {hubble}),
	...(constant !== '' && {constant}),
});

/** Why packets are dropped: subtypes of drop events, and reasons from 128 on in the metrics. */
export const dropReasons: Meanings = {
	130: means('Invalid source mac', 'INVALID_SOURCE_MAC'),
	131: means('Invalid destination mac', 'INVALID_DESTINATION_MAC'),
	132: means('Invalid source ip', 'INVALID_SOURCE_IP', 'DROP_INVALID_SOURCE_IP'),
	133: means('Policy denied', 'POLICY_DENIED', 'DROP_POLICY_DENIED'),
	134: means('Invalid packet', 'INVALID_PACKET_DROPPED', 'DROP_INVALID_PACKET'),
	135: means(
		'CT: Truncated or invalid header',
		'CT_TRUNCATED_OR_INVALID_HEADER',
		'DROP_INVALID_L4_HEADER',
	),
	136: means('Fragmentation needed', 'CT_MISSING_TCP_ACK_FLAG', 'DROP_FRAGMENTATION_NEEDED'),
	137: means('CT: Unknown L4 protocol', 'CT_UNKNOWN_L4_PROTOCOL', 'DROP_UNKNOWN_L4_PROTOCOL'),
	138: means("CT: Can't create entry from packet", 'CT_CANNOT_CREATE_ENTRY_FROM_PACKET'),
	139: means('Unsupported L3 protocol', 'UNSUPPORTED_L3_PROTOCOL', 'DROP_UNKNOWN_L3_PROTOCOL'),
	140: means('Missed tail call', 'MISSED_TAIL_CALL'),
	141: means('Error writing to packet', 'ERROR_WRITING_TO_PACKET', 'DROP_WRITE_ERROR'),
	142: means('Unknown L4 protocol', 'UNKNOWN_L4_PROTOCOL'),
	143: means('Unknown ICMPv4 code', 'UNKNOWN_ICMPV4_CODE', 'DROP_UNKNOWN_ICMPV4_CODE'),
	144: means('Unknown ICMPv4 type', 'UNKNOWN_ICMPV4_TYPE'),
	145: means('Unknown ICMPv6 code', 'UNKNOWN_ICMPV6_CODE', 'DROP_UNKNOWN_ICMPV6_CODE'),
	146: means('Unknown ICMPv6 type', 'UNKNOWN_ICMPV6_TYPE'),
	147: means('Error retrieving tunnel key', 'ERROR_RETRIEVING_TUNNEL_KEY'),
	148: means('Error retrieving tunnel options', 'ERROR_RETRIEVING_TUNNEL_OPTIONS'),
	149: means('Invalid Geneve option', 'INVALID_GENEVE_OPTION'),
	150: means('Unknown L3 target address', 'UNKNOWN_L3_TARGET_ADDRESS'),
	151: means('Stale or unroutable IP', 'STALE_OR_UNROUTABLE_IP'),
	152: means('No matching local container found', 'NO_MATCHING_LOCAL_CONTAINER_FOUND'),
	153: means('Error while correcting L3 checksum', 'ERROR_WHILE_CORRECTING_L3_CHECKSUM'),
	154: means(
		'Error while correcting L4 checksum',
		'ERROR_WHILE_CORRECTING_L4_CHECKSUM',
		'DROP_CSUM_L4',
	),
	155: means(
		'CT: Map insertion failed',
		'CT_MAP_INSERTION_FAILED',
		'DROP_CONNTRACK_INSERT_FAILED',
	),
	156: means(
		'Invalid IPv6 extension header',
		'INVALID_IPV6_EXTENSION_HEADER',
		'DROP_INVALID_EXTENSION_HEADER',
	),
	157: means(
		'IP fragmentation not supported',
		'IP_FRAGMENTATION_NOT_SUPPORTED',
		'DROP_FRAGMENT_UNSUPPORTED',
	),
	158: means('Service backend not found', 'SERVICE_BACKEND_NOT_FOUND', 'DROP_NO_SERVICE'),
	159: means('Unsupported service protocol'),
	160: means(
		'No tunnel/encapsulation endpoint (datapath BUG!)',
		'NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT',
		'DROP_NO_TUNNEL_ENDPOINT',
	),
	161: means(
		'NAT 46/64 not enabled',
		'FAILED_TO_INSERT_INTO_PROXYMAP',
		'DROP_NAT_46X64_DISABLED',
	),
	162: means('Reached EDT rate-limiting drop horizon', 'REACHED_EDT_RATE_LIMITING_DROP_HORIZON'),
	163: means('Unknown connection tracking state', 'UNKNOWN_CONNECTION_TRACKING_STATE'),
	164: means('Local host is unreachable', 'LOCAL_HOST_IS_UNREACHABLE'),
	165: means(
		'No configuration available to perform policy decision',
		'NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION',
	),
	166: means('Unsupported L2 protocol', 'UNSUPPORTED_L2_PROTOCOL'),
	167: means(
		'No mapping for NAT masquerade',
		'NO_MAPPING_FOR_NAT_MASQUERADE',
		'DROP_NAT_NO_MAPPING',
	),
	168: means(
		'Unsupported protocol for NAT masquerade',
		'UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE',
		'DROP_NAT_UNSUPPORTED_PROTOCOL',
	),
	169: means('FIB lookup failed', 'FIB_LOOKUP_FAILED', 'DROP_FIB_LOOKUP_FAILED'),
	170: means(
		'Encapsulation traffic is prohibited',
		'ENCAPSULATION_TRAFFIC_IS_PROHIBITED',
		'DROP_ENCAPSULATION_PROHIBITED',
	),
	171: means('Invalid identity', 'INVALID_IDENTITY'),
	172: means('Unknown sender', 'UNKNOWN_SENDER'),
	173: means('NAT not needed', 'NAT_NOT_NEEDED'),
	174: means('Is a ClusterIP', 'IS_A_CLUSTERIP', 'DROP_IS_CLUSTER_IP'),
	175: means(
		'First logical datagram fragment not found',
		'FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND',
		'DROP_FRAGMENT_NOT_FOUND',
	),
	176: means('Forbidden ICMPv6 message', 'FORBIDDEN_ICMPV6_MESSAGE'),
	177: means(
		'Denied by LB src range check',
		'DENIED_BY_LB_SRC_RANGE_CHECK',
		'DROP_NOT_IN_SOURCE_RANGE',
	),
	178: means('Socket lookup failed', 'SOCKET_LOOKUP_FAILED'),
	179: means('Socket assign failed', 'SOCKET_ASSIGN_FAILED'),
	180: means(
		'Proxy redirection not supported for protocol',
		'PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL',
	),
	181: means('Policy denied by denylist', 'POLICY_DENY', 'DROP_POLICY_DENY'),
	182: means('VLAN traffic disallowed by VLAN filter', 'VLAN_FILTERED', 'DROP_VLAN_FILTERED'),
	183: means('Incorrect VNI from VTEP', 'INVALID_VNI'),
	184: means('Failed to update or lookup TC buffer', 'INVALID_TC_BUFFER'),
	185: means('No SID was found for the IP address', 'NO_SID'),
	186: means('SRv6 state was removed during tail call', 'MISSING_SRV6_STATE'),
	187: means('L3 translation from IPv4 to IPv6 failed (NAT46)', 'NAT46', 'DROP_NAT46'),
	188: means('L3 translation from IPv6 to IPv4 failed (NAT64)', 'NAT64', 'DROP_NAT64'),
	189: means('Authentication required', 'AUTH_REQUIRED', 'DROP_AUTH_REQUIRED'),
	190: means('No conntrack map found', 'CT_NO_MAP_FOUND'),
	191: means('No nat map found', 'SNAT_NO_MAP_FOUND'),
	192: means('Invalid ClusterID', 'INVALID_CLUSTER_ID'),
	193: means(
		'Unsupported packet protocol for DSR encapsulation',
		'UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP',
		'DROP_DSR_ENCAPSULATION_UNSUPPORTED',
	),
	194: means('No egress gateway found', 'NO_EGRESS_GATEWAY'),
	195: means('Traffic is unencrypted', 'UNENCRYPTED_TRAFFIC'),
	196: means('TTL exceeded', 'TTL_EXCEEDED', 'DROP_TTL_EXCEEDED'),
	197: means('No node ID found', 'NO_NODE_ID'),
	198: means('Rate limited', 'DROP_RATE_LIMITED'),
	199: means('IGMP handled', 'IGMP_HANDLED'),
	200: means('IGMP subscribed', 'IGMP_SUBSCRIBED'),
	201: means('Multicast handled', 'MULTICAST_HANDLED'),
	202: means('Host datapath not ready', 'DROP_HOST_NOT_READY'),
	203: means(
		'Endpoint policy program not available',
		'DROP_EP_NOT_READY',
		'DROP_ENDPOINT_NOT_READY',
	),
	204: means('No Egress IP configured', 'DROP_NO_EGRESS_IP'),
	205: means('Punt to proxy', 'DROP_PUNT_PROXY'),
	206: means('No device', 'DROP_NO_DEVICE'),
	255: means('Source denied by prefilter', '', 'DROP_PREFILTER'),
};

/** What the metrics count beside drops. */
export const metricReasons: Meanings = {
	0: means('Success', '', 'METRIC_FORWARDED'),
	2: means('Invalid packet'),
	3: means('Plaintext'),
	4: means('Interface Decrypted'),
	5: means('LB: No backend slot entry found', '', 'METRIC_NO_BACKEND_SLOT'),
	6: means('LB: No backend entry found', '', 'METRIC_NO_BACKEND'),
	7: means('LB: Reverse entry update failed', '', 'METRIC_REVERSE_SOCKET_UPDATE_FAILED'),
	8: means('LB: Reverse entry stale', '', 'METRIC_REVERSE_SOCKET_STALE'),
	9: means('Fragmented packet', '', 'METRIC_FRAGMENT'),
	10: means('Fragmented packet entry update failed', '', 'METRIC_FRAGMENT_UPDATE_FAILED'),
	11: means('Missed tail call to custom program'),
	12: means('Interface Decrypting'),
	13: means('Interface Encrypting'),
	14: means('LB: Reverse entry deleted', '', 'METRIC_REVERSE_SOCKET_DELETED'),
	15: means('MTU error message', '', 'METRIC_MTU_ERROR'),
	64: means('NAT: Ports run short', '', 'METRIC_NAT_PORTS_SHORT'),
};

/** Directions of the metrics. */
export const metricDirections: Meanings = {
	1: means('ingress', '', 'METRIC_INGRESS'),
	2: means('egress', '', 'METRIC_EGRESS'),
	3: means('service', '', 'METRIC_SERVICE'),
};

/** Directions of policies, as seen from the endpoint. */
export const policyDirections: Meanings = {
	1: means('ingress', '', 'POLICY_INGRESS'),
	2: means('egress', '', 'POLICY_EGRESS'),
};

/** Places where packets are traced: subtypes of trace events. */
export const tracePoints: Meanings = {
	0: means('to-endpoint', '', 'TRACE_TO_LXC'),
	1: means('to-proxy', '', 'TRACE_TO_PROXY'),
	2: means('to-host', '', 'TRACE_TO_HOST'),
	3: means('to-stack', '', 'TRACE_TO_STACK'),
	4: means('to-overlay', '', 'TRACE_TO_OVERLAY'),
	5: means('from-endpoint', '', 'TRACE_FROM_LXC'),
	6: means('from-proxy', '', 'TRACE_FROM_PROXY'),
	7: means('from-host', '', 'TRACE_FROM_HOST'),
	8: means('from-stack', '', 'TRACE_FROM_STACK'),
	9: means('from-overlay', '', 'TRACE_FROM_OVERLAY'),
	10: means('from-network', '', 'TRACE_FROM_NETWORK'),
	11: means('to-network', '', 'TRACE_TO_NETWORK'),
	12: means('from-crypto'),
	13: means('to-crypto'),
};

/** Where what a socket asks for or is told is traced. */
export const socketPoints: Meanings = {
	1: means('pre-forward', '', 'TRACE_SOCK_PRE_FORWARD'),
	2: means('post-forward', '', 'TRACE_SOCK_POST_FORWARD'),
	3: means('pre-reverse', '', 'TRACE_SOCK_PRE_REVERSE'),
	4: means('post-reverse', '', 'TRACE_SOCK_POST_REVERSE'),
};

/** What conntrack says of a packet that is traced; a bit of its own says that it was encrypted. */
export const traceReasons: Meanings = {
	0: means('new', '', 'CT_NEW'),
	1: means('established', '', 'CT_ESTABLISHED'),
	2: means('reply', '', 'CT_REPLY'),
	3: means('related', '', 'CT_RELATED'),
	4: means('reopened'),
	5: means('unknown'),
	6: means('srv6-encap'),
	7: means('srv6-decap'),
	8: means('encrypt-overlay'),
};

/** What of a packet a rule of the policy named. */
export const matchTypes: Meanings = {
	0: means('none', '', 'POLICY_MATCH_NONE'),
	1: means('L3-Only', '', 'POLICY_MATCH_L3_ONLY'),
	2: means('L3-L4', '', 'POLICY_MATCH_L3_L4'),
	3: means('L4-Only', '', 'POLICY_MATCH_L4_ONLY'),
	4: means('all', '', 'POLICY_MATCH_ALL'),
	5: means('L3-Proto', '', 'POLICY_MATCH_L3_PROTO'),
	6: means('Proto-Only', '', 'POLICY_MATCH_PROTO_ONLY'),
};

/** How a flow has to be authenticated. */
export const authTypes: Meanings = {
	0: means('disabled'),
	1: means('spire'),
	2: means('test-always-fail'),
};

/** Source files of skep's programs. */
export const sourceFiles: Meanings = {
	1: means('endpoint.bpf.c', '', 'SOURCE_ENDPOINT'),
	2: means('host.bpf.c', '', 'SOURCE_HOST'),
	3: means('packet.h', '', 'SOURCE_PACKET'),
	4: means('fragment.h', '', 'SOURCE_FRAGMENT'),
	5: means('conntrack.h', '', 'SOURCE_CONNTRACK'),
	6: means('policy.h', '', 'SOURCE_POLICY'),
	7: means('guard.h', '', 'SOURCE_GUARD'),
	8: means('delivery.h', '', 'SOURCE_DELIVERY'),
	9: means('icmp_error.h', '', 'SOURCE_ICMP_ERROR'),
	10: means('neighbour.h', '', 'SOURCE_NEIGHBOUR'),
	11: means('rewrite.h', '', 'SOURCE_REWRITE'),
	12: means('nat.h', '', 'SOURCE_NAT'),
	13: means('service.h', '', 'SOURCE_SERVICE'),
	14: means('balance.h', '', 'SOURCE_BALANCE'),
	15: means('masquerade.h', '', 'SOURCE_MASQUERADE'),
	16: means('xdp.bpf.c', '', 'SOURCE_XDP'),
	17: means('nodeport.h', '', 'SOURCE_NODEPORT'),
	18: means('relay.h', '', 'SOURCE_RELAY'),
	19: means('shortcut.h', '', 'SOURCE_SHORTCUT'),
	20: means('socket_service.h', '', 'SOURCE_SOCKET_SERVICE'),
	21: means('socket_reverse.h', '', 'SOURCE_SOCKET_REVERSE'),
	22: means('hop.h', '', 'SOURCE_HOP'),
	23: means('nat_error.h', '', 'SOURCE_NAT_ERROR'),
	24: means('dsr.h', '', 'SOURCE_DSR'),
	25: means('dsr_option.h', '', 'SOURCE_DSR_OPTION'),
	26: means('dsr_forward.h', '', 'SOURCE_DSR_FORWARD'),
	27: means('dsr_arrive.h', '', 'SOURCE_DSR_ARRIVE'),
	28: means('dsr_tunnel.h', '', 'SOURCE_DSR_TUNNEL'),
	29: means('dsr_unwrap.h', '', 'SOURCE_DSR_UNWRAP'),
	30: means('nat_46x64.h', '', 'SOURCE_NAT_46X64'),
	31: means('nat_46x64_forward.h', '', 'SOURCE_NAT_46X64_FORWARD'),
	32: means('local_shortcut.h', '', 'SOURCE_LOCAL_SHORTCUT'),
	33: means('nat_46x64_error.h', '', 'SOURCE_NAT_46X64_ERROR'),
};

/** Source files of Cilium's programs; numbers of headers change from version to version. */
export const ciliumSourceFiles: Meanings = {
	1: means('bpf_host.c'),
	2: means('bpf_lxc.c'),
	3: means('bpf_overlay.c'),
	4: means('bpf_xdp.c'),
	5: means('bpf_sock.c'),
	7: means('bpf_wireguard.c'),
};

/** The text of a number; the number itself where the list does not have it. */
export function meaningOf(meanings: Meanings, number: number): string {
	return meanings[number]?.text ?? String(number);
}

/** The text of a reason in the metrics: a drop reason, or another one. */
export function metricReasonText(reason: number): string {
	return meaningOf(reason < firstDropReason ? metricReasons : dropReasons, reason);
}

const firstDropReason = 128;

/**
 * The drop reason that a user names by its number, its text, or what Hubble or skep's programs call
 * it, whatever the case. *Throws:* `ERR_USAGE`.
 */
export function parseDropReason(name: string): number {
	if (/^\d+$/.test(name) && Number(name) <= 0xff) return Number(name);
	const wanted = wordsOf(name);
	const known = Object.entries(dropReasons).flatMap(([code, {text, hubble, constant}]) =>
		[text, hubble, constant].flatMap(each =>
			each === undefined ? [] : [[each, Number(code)] as const],
		),
	);
	const found = known.find(([each]) => wordsOf(each) === wanted);
	if (found !== undefined) return found[1];
	const close = nearest(
		name,
		known.map(([each]) => each),
	);
	const hint = close === undefined ? '' : `; did you mean "${close}"?`;
	throw new UsageError(`read drop reason "${name}": there is none of this name${hint}`);
}

/** `DROP_POLICY_DENIED` as `policy denied`. */
function wordsOf(name: string): string {
	const words = name
		.toLowerCase()
		.split(/[^\da-z]+/)
		.filter(word => word !== '');
	return (words[0] === 'drop' ? words.slice(1) : words).join(' ');
}
