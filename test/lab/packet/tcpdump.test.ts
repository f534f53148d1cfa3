import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {encodePcap, ethernet, ipv4, packet, tcp, type Packet} from '../../../src/lab/index.js';
import {run} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';
import {samples} from './samples.js';

const complaint = /incorrect|bad |wrong|truncated|trunc\b|invalid|malformed|\[\||missing|unknown/i;

const read = test.macro({
	async exec(t, built: Packet, printed: RegExp) {
		const text = await tcpdump(t, built);
		t.regex(text, printed);
		t.notRegex(text, complaint);
	},
	title: title => `tcpdump has nothing against ${title}`,
});

async function tcpdump(t: ExecutionContext, {bytes}: Packet): Promise<string> {
	const path = join(await makeTempFolder(t), 'built.pcap');
	writeFileSync(path, encodePcap([{at: 0n, bytes}]));
	return run('tcpdump', '-nn', '-vv', '-e', '-r', path);
}

const expected: Readonly<Record<keyof typeof samples, RegExp>> = {
	'a TCP SYN with options':
		/Flags \[S\], cksum 0x\w+ \(correct\), .* \[mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7\]/,
	'TCP over IPv6': /\.443: Flags \[S\], cksum 0x\w+ \(correct\)/,
	'UDP in two VLAN tags':
		/vlan 7, p 5, ethertype 802\.1Q .*, vlan 8, p 0, DEI, .*\s+.*\[udp sum ok\] UDP, length 7/,
	'an ARP reply in a frame of minimum size': /Reply 192\.0\.2\.1 is-at 02:00:00:00:00:01/,
	'UDP in a frame of minimum size': /length 60: .*\s+.*\[udp sum ok\] UDP, length 1$/m,
	'IPv4 options': /options \(RA,RR 0\.0\.0\.0 192\.0\.2\.9,timestamp .*NOP\)/,
	'every extension header':
		/HBH \(rtalert: 0x0000\).* DSTOPT .* RT6 \(len=4, type=4, segleft=1.*AH\(.*spi=0x00000100.*\[udp sum ok\]/,
	'a first fragment': /frag \(0x00000000:0\|16\) 40000 > 9: UDP, length 8/,
	'a last fragment': /offset 1480, flags \[none\], proto UDP/,
	'an ICMP echo': /ICMP echo request, id 9, seq 3, length 12/,
	'an ICMP error': /need to frag \(mtu 1400\), length 49\s+.*\s+.*\[udp sum ok\] UDP, length 13/,
	'an ICMPv6 error': /\[icmp6 sum ok\] ICMP6, packet too big, mtu 1300/,
	'a neighbour solicitation':
		/\[icmp6 sum ok\] .* who has 2001:db8::5\s+source link-address .*: 02:00:00:00:00:09/,
	'a router advertisement':
		/\[icmp6 sum ok\] .*\s+hop limit 64, Flags \[managed\].*\s+mtu option .* 1500[^]*onlink, auto[^]*rdnss/,
	'SCTP chunks':
		/\[INIT\] \[init tag: 1\] \[rwnd: 65535\][^]*\[DATA\] \(B\)\(E\) \[TSN: 1\][^]*\[COOKIE ACK\]/,
	VXLAN: /\[udp sum ok\] VXLAN, flags \[I\] \(0x08\), vni 77[^]*cksum 0x\w+ \(correct\)/,
	Geneve: /\[udp sum ok\] Geneve, Flags \[C\], vni 0x5, .* data 01020304\][^]*\[udp sum ok\] UDP/,
	'IP in IP': /proto IPv6 .*\s+.* next-header IPIP .*\s+.*\[udp sum ok\] UDP, length 5/,
};
for (const [title, printed] of Object.entries(expected)) {
	test(title, read, packet(...samples[title as keyof typeof samples]), printed);
}

test('tcpdump finds the checksums that are wrong on purpose', async t => {
	const wrong = packet(ethernet(), ipv4({checksum: 1}), tcp({checksum: 2, flags: 'A'}));

	const text = await tcpdump(t, wrong);

	const right = wrong.get('tcp')?.wrong?.checksum?.toString(16).padStart(4, '0') ?? '';
	const header = wrong.get('ipv4')?.wrong?.checksum?.toString(16) ?? '';
	t.true(text.includes(`bad cksum 1 (->${header})!`), text);
	t.true(text.includes(`cksum 0x0002 (incorrect -> 0x${right})`), text);
});
