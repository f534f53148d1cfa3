/** Every kind of layer. */

import type {ArpDraft, ArpLayer} from './arp.js';
import type {IcmpDraft, IcmpLayer} from './icmp.js';
import type {Icmpv6Draft, Icmpv6Layer} from './icmpv6.js';
import type {Ipv4Draft, Ipv4Layer} from './ipv4.js';
import type {Ipv6Draft, Ipv6Layer} from './ipv6.js';
import type {
	AhDraft,
	AhLayer,
	DestinationOptionsDraft,
	DestinationOptionsLayer,
	FragmentDraft,
	FragmentLayer,
	HopByHopDraft,
	HopByHopLayer,
	RoutingDraft,
	RoutingLayer,
} from './ipv6-extensions.js';
import type {EthernetDraft, EthernetLayer, VlanDraft, VlanLayer} from './link.js';
import type {PaddingDraft, PaddingLayer, PayloadDraft, PayloadLayer} from './payload.js';
import type {SctpDraft, SctpLayer} from './sctp.js';
import type {TcpDraft, TcpLayer} from './tcp.js';
import type {GeneveDraft, GeneveLayer, VxlanDraft, VxlanLayer} from './tunnels.js';
import type {UdpDraft, UdpLayer} from './udp.js';

/** The layers of a packet by name. */
export interface Layers {
	readonly ethernet: EthernetLayer;
	readonly vlan: VlanLayer;
	readonly arp: ArpLayer;
	readonly ipv4: Ipv4Layer;
	readonly ipv6: Ipv6Layer;
	readonly hopByHop: HopByHopLayer;
	readonly routing: RoutingLayer;
	readonly destinationOptions: DestinationOptionsLayer;
	readonly fragment: FragmentLayer;
	readonly ah: AhLayer;
	readonly icmp: IcmpLayer;
	readonly icmpv6: Icmpv6Layer;
	readonly tcp: TcpLayer;
	readonly udp: UdpLayer;
	readonly sctp: SctpLayer;
	readonly vxlan: VxlanLayer;
	readonly geneve: GeneveLayer;
	readonly payload: PayloadLayer;
	readonly padding: PaddingLayer;
}

/** The layers as their makers give them. */
export interface Drafts {
	readonly ethernet: EthernetDraft;
	readonly vlan: VlanDraft;
	readonly arp: ArpDraft;
	readonly ipv4: Ipv4Draft;
	readonly ipv6: Ipv6Draft;
	readonly hopByHop: HopByHopDraft;
	readonly routing: RoutingDraft;
	readonly destinationOptions: DestinationOptionsDraft;
	readonly fragment: FragmentDraft;
	readonly ah: AhDraft;
	readonly icmp: IcmpDraft;
	readonly icmpv6: Icmpv6Draft;
	readonly tcp: TcpDraft;
	readonly udp: UdpDraft;
	readonly sctp: SctpDraft;
	readonly vxlan: VxlanDraft;
	readonly geneve: GeneveDraft;
	readonly payload: PayloadDraft;
	readonly padding: PaddingDraft;
}

/** A layer's name: what its field `layer` says. */
export type LayerName = keyof Layers;

/** A layer with all of its fields. */
export type Layer = Layers[LayerName];

/** A layer that is not part of a packet yet. */
export type LayerDraft = Drafts[LayerName];
