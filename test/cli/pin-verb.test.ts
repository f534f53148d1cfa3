import {listPins} from '../../src/object/pin/list-pins.js';
import {attachCgroup} from '../../src/object/link/attach-cgroup.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {makeCgroup} from '../helpers/cgroup.js';
import {skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';

const kernel = kernelTest({feature: 'cgroup links', since: '5.7'});

kernel('programs, maps and links are pinned by their ids and by other pins', async t => {
	const bpffs = await makeBpffs(t);
	const {path} = await makeCgroup(t);
	const collection = await loadFixture(t, 'kernel/cgroup');
	using link = attachCgroup(collection.program('connect4'), path);
	const ids = {
		prog: collection.program('connect4').info().id,
		map: collection.map('hook_counts').info.id,
		link: link.info().id,
	};
	const done = {code: 0, out: '', err: ''};
	for (const [noun, id] of Object.entries(ids)) {
		t.deepEqual(await skep(noun, 'pin', String(id), `${bpffs}/${noun}`), done);
		t.deepEqual(await skep(noun, 'pin', `${bpffs}/${noun}`, `${bpffs}/more/${noun}`), done);
		const again = await skep(noun, 'pin', String(id), `${bpffs}/${noun}`);
		t.is(again.code, 1);
		t.regex(again.err, /: something is pinned there already\n$/);
	}

	const pins = [...listPins(bpffs)].map(({path: at, id}) => [at.slice(bpffs.length), id]);
	t.deepEqual(
		pins.sort(),
		Object.entries(ids)
			.flatMap(([noun, id]) => [
				[`/${noun}`, id],
				[`/more/${noun}`, id],
			])
			.sort(),
	);
	const program = `${bpffs}/prog`;
	t.deepEqual(await skep('map', 'pin', program, `${bpffs}/none`), {
		code: 1,
		out: '',
		err: `skep: open map "${program}": what is pinned there is not a map\n`,
	});
});
