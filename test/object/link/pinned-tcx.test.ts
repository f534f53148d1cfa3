import {existsSync} from 'node:fs';
import {join} from 'node:path';

import type {ExecutionContext} from 'ava';
import {attachTcx} from '../../../src/object/link/attach-tcx.js';
import {openPinnedLink} from '../../../src/object/link/link.js';
import {tryAttachPinned} from '../../../src/object/link/pinned-tcx.js';
import {queryTcx} from '../../../src/object/net/query.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'tcx links', since: '6.6'});
const directions = ['ingress', 'egress'] as const;

/** A device, a pinned program for each of its sides, and where their links shall be pinned. */
async function setUp(t: ExecutionContext) {
	const {name, index, netns, namespace} = await makeDevice(t);
	const folder = await makeBpffs(t);
	const collection = await loadFixture(t, 'kernel/tc');
	const list = directions.map(direction => {
		const program = join(folder, direction);
		collection.program(`${direction}_one`).pin(program);
		return {program, direction, pin: join(folder, `link_${direction}`)};
	});
	return {
		list,
		idOf: (program: string) => collection.program(program).info().id,
		attachPinned: () => tryAttachPinned(list, {ifindex: index, name, netns}),
		attachOther: () =>
			attachTcx(collection.program('egress_two'), name, {netns: namespace.path}),
		standing: () =>
			directions.map(direction =>
				queryTcx(name, direction, {netns: namespace.path}).programs.map(
					({programId}) => programId,
				),
			),
	};
}

kernel('pinned programs come to both sides of an interface, by links that pins hold', async t => {
	const {list, idOf, attachPinned, standing} = await setUp(t);
	t.true(attachPinned());
	const ids = [idOf('ingress_one'), idOf('egress_one')];
	t.deepEqual(
		standing(),
		ids.map(id => [id]),
	);
	for (const [i, {pin}] of list.entries()) {
		using link = openPinnedLink(pin);
		t.like(link.info(), {type: 'tcx', programId: ids[i]});
	}
});

kernel('where a program stands already, both sides are left as they are', async t => {
	const {list, idOf, attachPinned, attachOther, standing} = await setUp(t);
	using _ = attachOther();
	t.false(attachPinned());
	t.deepEqual(standing(), [[], [idOf('egress_two')]]);
	for (const {pin} of list) t.false(existsSync(pin));
});

kernel('where one link cannot be pinned, neither stays', async t => {
	const {list, attachPinned, attachOther, standing} = await setUp(t);
	const [first, second] = list.map(({pin}) => pin);
	const other = attachOther();
	other.pin(second ?? '');
	other.detach();
	other.close();
	t.false(attachPinned());
	t.deepEqual(standing(), [[], []]);
	t.false(existsSync(first ?? ''));
	t.true(existsSync(second ?? ''));
});
