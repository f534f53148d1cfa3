import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {encodePcap, readPcap, type PcapFormat} from '../../../src/lab/index.js';
import {ethernet, ipv4, ipv6, udp} from '../../helpers/packet.js';
import {run} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';

// As long as their headers say.
const v4 = [...ipv4(17), ...udp(9), ...new Array<number>(12).fill(0)];
const v6 = [...ipv6(17), ...udp(9), ...new Array<number>(12).fill(0)];

const at = 1_700_000_000_123_456_789n;

/** Lines as tcpdump prints them, with nanoseconds. */
async function tcpdump(path: string): Promise<string[]> {
	const precision = '--time-stamp-precision=nano';
	const text = await run('tcpdump', '-nn', '-tt', '-q', precision, '-r', path);
	return text.trimEnd().split('\n');
}

async function write(t: ExecutionContext, bytes: Uint8Array): Promise<string> {
	const path = join(await makeTempFolder(t), 'capture');
	writeFileSync(path, bytes);
	return path;
}

const accepted = test.macro({
	async exec(t, as: PcapFormat) {
		const packets = [
			{at, bytes: ethernet(0x0800, v4), comment: 'a query', direction: 'out' as const},
			{at: at + 1n, bytes: ethernet(0x86dd, v6), direction: 'in' as const},
			{at: at + 2n, bytes: ethernet(0x0800, v4), originalLength: 1000},
		];
		const path = await write(t, encodePcap(packets, as));
		const micro = as.resolution === 'micro';
		const time = (plus: number): string =>
			`1700000000.${micro ? '123456000' : 123_456_789 + plus}`;
		t.deepEqual(await tcpdump(path), [
			`${time(0)} IP 192.0.2.1.4000 > 192.0.2.2.9: UDP, length 0`,
			`${time(1)} IP6 2001:db8::1.4000 > 2001:db8::2.9: UDP, length 0`,
			`${time(2)} IP 192.0.2.1.4000 > 192.0.2.2.9: UDP, length 0`,
		]);

		// What tcpdump makes of it is what was written.
		const again = `${path}-again`;
		await run('tcpdump', '-r', path, '--time-stamp-precision=nano', '-w', again);
		const tick = micro ? 1000n : 1n;
		t.deepEqual(
			[...readPcap(readFileSync(again))].map(one => [
				one.at,
				Uint8Array.from(one.bytes),
				one.originalLength,
			]),
			packets.map(one => [
				(one.at / tick) * tick,
				Uint8Array.from(one.bytes),
				one.originalLength ?? one.bytes.length,
			]),
		);
	},
	title: (_, as: PcapFormat) => `tcpdump reads ${Object.values(as).join(', ')}`,
});

test(accepted, {format: 'pcap', byteOrder: 'little', resolution: 'nano'});
test(accepted, {format: 'pcap', byteOrder: 'big', resolution: 'nano'});
test(accepted, {format: 'pcap', byteOrder: 'little', resolution: 'micro'});
test(accepted, {format: 'pcap', byteOrder: 'big', resolution: 'micro'});
test(accepted, {format: 'pcapng', byteOrder: 'little'});
test(accepted, {format: 'pcapng', byteOrder: 'big'});

/** Headers that stand before an IP packet, both families. */
const wrap = {
	raw: () => [],
	ipv4: () => [],
	ipv6: () => [],
	// BSD's number of the family.
	null: (six: boolean) => [six ? 30 : 2, 0, 0, 0],
	loop: (six: boolean) => [0, 0, 0, six ? 30 : 2],
	// To this host, from an Ethernet device without an address.
	'linux-sll': (six: boolean) => [0, 0, 0, 1, ...zeros(10), ...(six ? [0x86, 0xdd] : [8, 0])],
	'linux-sll2': (six: boolean) => [
		...(six ? [0x86, 0xdd] : [8, 0]),
		...[0, 0, 0, 0, 0, 2, 0, 1, 0, 0],
		...zeros(8),
	],
} as const;

const zeros = (count: number): number[] => new Array<number>(count).fill(0);

const linked = test.macro({
	async exec(t, linkType: keyof typeof wrap) {
		for (const format of ['pcap', 'pcapng'] as const) {
			const families = [
				{six: false, bytes: v4, printed: 'IP 192.0.2.1.4000 > 192.0.2.2.9'},
				{six: true, bytes: v6, printed: 'IP6 2001:db8::1.4000 > 2001:db8::2.9'},
			].filter(({six}) => linkType !== (six ? 'ipv4' : 'ipv6'));
			const packets = families.map(({six, bytes}) => ({
				at,
				bytes: Uint8Array.of(...wrap[linkType](six), ...bytes),
			}));
			const as = {format, byteOrder: 'little', interfaces: [{linkType}]} as const;
			const lines = await tcpdump(await write(t, encodePcap(packets, as)));
			t.is(lines.length, families.length);
			for (const [i, {printed}] of families.entries())
				t.true(lines[i]?.includes(`${printed}: UDP`), lines[i]);
		}
	},
	title: (_, linkType: string) => `tcpdump understands packets of link type ${linkType}`,
});

for (const linkType of Object.keys(wrap) as (keyof typeof wrap)[]) test(linked, linkType);
