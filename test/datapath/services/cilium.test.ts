import {Services, openDatapathMaps, type LayoutVersion} from '../../../src/datapath/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {pinServiceMaps} from '../../helpers/service-maps.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {openPinnedMap} from '../../../src/object/map/open-map.js';

const kernel = kernelTest({feature: 'maps of services', since: '5.6'});
const hex = (text: string): Uint8Array =>
	Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Pins by name, and key and value of each element. */
const elements: [pin: string, key: string, value: string][] = [
	['lb4_services_v2', '0a600001 0050 0000 06 00 0000', '3c000001 0200 0005 d2 20 0100'],
	['lb4_services_v2', '0a600001 0050 0100 06 00 0000', '0b000000 0000 0005 00 00 0000'],
	['lb4_services_v2', '0a600001 0050 0200 06 00 0000', '0c000000 0000 0005 00 00 0000'],
	['lb4_services_v2', '0a600001 0050 0300 06 00 0000', '0d000000 0000 0005 00 40 0000'],
	['lb4_backends_v3', '0b000000', '0a010001 1f90 06 00 0000 03 00'],
	['lb4_backends_v3', '0c000000', '0a010002 1f90 06 00 0000 00 00'],
	['lb4_backends_v3', '0d000000', '0a010003 1f90 06 02 0000 00 00'],
	['lb4_reverse_nat', '0005', '0a600001 0050'],
	['lb4_source_range', '28000000 0005 0000 0a000000', '00'],
	[
		'lb6_services_v2',
		'fd960000000000000000000000000001 0035 0000 11 01 0000',
		'00000000 0000 0006 00 00 0000',
	],
	['lb6_reverse_nat', '0006', 'fd960000000000000000000000000001 0035'],
];

for (const version of ['1.15', '1.16', '1.17', '1.18', '1.19'] as const satisfies LayoutVersion[]) {
	kernel(`services of a node of Cilium ${version} are read`, async t => {
		const root = await pinServiceMaps(t, {entries: 16, prefix: 'cilium_', version});
		for (const [pin, key, value] of elements) {
			using map = openPinnedMap(`${root}/cilium_${pin}`, {raw: true});
			map.raw.set(hex(key), hex(value));
		}

		using outer = openPinnedMap(`${root}/cilium_lb4_maglev`, {raw: true});
		using table = createMap({type: 'array', keySize: 4, valueSize: 251 * 4, maxEntries: 1});
		outer.raw.set(hex('0005'), new Uint8Array(Uint32Array.of(table.fd).buffer));

		using maps = openDatapathMaps({root, prefix: 'cilium_', version});
		const [first, second] = new Services(maps).list();
		// Before 1.17 nobody counted slots in quarantine, and before 1.16 there were no zones.
		const hasQuarantine = version >= '1.17';
		const backend = {port: 8080, protocol: 'tcp', weight: 100, quarantined: false};
		t.deepEqual(first, {
			id: 5,
			frontend: {address: '10.96.0.1', port: 80, protocol: 'tcp', scope: 'external'},
			type: 'NodePort',
			flags: ['NodePort', 'two-scopes', 'sessionAffinity', 'check source-range'],
			algorithm: 'random',
			affinity: {timeout: 60},
			externalTrafficPolicy: 'Cluster',
			internalTrafficPolicy: 'Cluster',
			sourceRanges: {allow: ['10.0.0.0/8']},
			forwardingMode: 'snat',
			backends: [
				{
					...backend,
					id: 11,
					address: '10.1.0.1',
					state: 'active',
					zone: version === '1.15' ? 0 : 3,
					slot: 1,
				},
				{...backend, id: 12, address: '10.1.0.2', state: 'active', zone: 0, slot: 2},
				...(hasQuarantine
					? [
							{
								...backend,
								id: 13,
								address: '10.1.0.3',
								state: 'quarantined' as const,
								zone: 0,
								slot: 3,
								quarantined: true,
							},
						]
					: []),
			],
		});
		t.deepEqual(new Services(maps).get({address: '10.96.0.1', port: 80}), first);
		t.like(second, {
			id: 6,
			type: 'ClusterIP',
			frontend: {scope: 'internal', protocol: 'udp'},
			backends: [],
		});
		await t.throwsAsync(new Services(maps).delete({address: '10.96.0.1', port: 80}), {
			message: hasQuarantine ? /open for the other way only/ : /before Cilium 1\.17 are read/,
		});
	});
}
