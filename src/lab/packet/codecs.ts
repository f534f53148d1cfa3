import {arpCodec} from './arp.js';
import type {Codec} from './codec.js';
import {icmpCodec} from './icmp.js';
import {icmpv6Codec} from './icmpv6.js';
import {ipv4Codec} from './ipv4.js';
import {
	ahCodec,
	destinationOptionsCodec,
	fragmentCodec,
	hopByHopCodec,
	routingCodec,
} from './ipv6-extensions.js';
import {ipv6Codec} from './ipv6.js';
import type {Drafts, Layer, LayerDraft, LayerName, Layers} from './layers.js';
import {ethernetCodec, vlanCodec} from './link.js';
import {paddingCodec, payloadCodec} from './payload.js';
import {sctpCodec} from './sctp.js';
import {tcpCodec} from './tcp.js';
import {geneveCodec, vxlanCodec} from './tunnels.js';
import {udpCodec} from './udp.js';

const codecs: {readonly [Name in LayerName]: Codec<Layers[Name], Drafts[Name]>} = {
	ethernet: ethernetCodec,
	vlan: vlanCodec,
	arp: arpCodec,
	ipv4: ipv4Codec,
	ipv6: ipv6Codec,
	hopByHop: hopByHopCodec,
	routing: routingCodec,
	destinationOptions: destinationOptionsCodec,
	fragment: fragmentCodec,
	ah: ahCodec,
	icmp: icmpCodec,
	icmpv6: icmpv6Codec,
	tcp: tcpCodec,
	udp: udpCodec,
	sctp: sctpCodec,
	vxlan: vxlanCodec,
	geneve: geneveCodec,
	payload: payloadCodec,
	padding: paddingCodec,
};

/** The codec of a kind of layer, to be called with layers of that kind. */
export function codecOf(name: LayerName): Codec<Layer, LayerDraft> {
	return codecs[name];
}
