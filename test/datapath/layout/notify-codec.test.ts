import test from 'ava';

import {notifyCodec, type LayoutVersion} from '../../../src/datapath/index.js';

const header = {
	type: 4,
	subtype: 5,
	source: 42,
	hash: 0xdead,
	len_orig: 74,
	len_cap: 64,
	version: 2,
};
const trace = {...header, src_label: 1000, dst_label: 2, dst_id: 7, reason: 1, ifindex: 3};

const roundTrip = test.macro({
	exec(t, version: LayoutVersion, size: number, flags: number, origin: string | null) {
		const codec = notifyCodec('trace', version);
		const isNew = size === 56;
		const event = {
			orig_ip: origin,
			...trace,
			flags,
			...(isNew && {ext_version: 0, ip_trace_id: 5n}),
		};
		const view = new DataView(new ArrayBuffer(size));
		codec.encode(event, view, 0);
		t.is(codec.size, size);
		t.deepEqual(codec.decode(view, 0), event);
		t.is(view.getUint8(27), flags);
		const json = codec.toJson(view, 0);
		t.is((JSON.parse(json) as {orig_ip: unknown}).orig_ip, origin);
		const cursor = codec.cursor();
		cursor.move(view, 0);
		t.deepEqual(cursor.value, event);
	},
	title: (_, version, size, flags, origin) =>
		`a trace of ${version} has ${size} bytes; flags ${flags}, from ${origin}`,
});

for (const [version, size] of [
	['1.15', 48],
	['1.18', 48],
	['1.19', 56],
	['skep', 56],
] as const) {
	test(roundTrip, version, size, 0, '10.0.0.1');
	test(roundTrip, version, size, 1, '2001:db8::1');
	test(roundTrip, version, size, 0, null);
}

test('a drop and a verdict are read by name', t => {
	const drop = notifyCodec('drop');
	const view = new DataView(new ArrayBuffer(48));
	view.setUint8(0, 1);
	view.setUint8(1, 133);
	view.setInt8(31, -2);
	t.like(drop.decode(view, 0), {type: 1, subtype: 133, ext_error: -2, ip_trace_id: 0n});
	t.is(notifyCodec('drop', '1.17').size, 36);
	t.is(notifyCodec('drop', '1.18').size, 40);

	const verdict = notifyCodec('verdict');
	view.setUint8(27, 0b0111_0101 | (1 << 3));
	view.setInt32(20, -133, true);
	t.like(verdict.decode(view, 0), {
		verdict: -133,
		dir: 1,
		ipv6: true,
		match_type: 7,
		audited: true,
		l3: false,
	});
	t.is(notifyCodec('verdict', '1.18').size, 32);
});
