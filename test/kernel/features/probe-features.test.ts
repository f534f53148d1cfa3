import {execFile} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {promisify} from 'node:util';
import test from 'ava';
import {
	featureNames,
	hasFeature,
	probeFeatures,
	type FeatureReport,
} from '../../../src/kernel/features/probe-features.js';
import {skep} from '../../helpers/cli.js';
import {kernelTest} from '../../helpers/kernel.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'maps and programs', since: '5.15', serial: true});
const execute = promisify(execFile);

interface Bpftool {
	readonly program_types: Readonly<Record<string, boolean>>;
	readonly map_types: Readonly<Record<string, boolean>>;
	readonly helpers: Readonly<Record<string, readonly string[]>>;
}

let asked: Promise<Bpftool> | undefined;

async function askBpftool(): Promise<Bpftool> {
	return (asked ??= run('bpftool', '-j', 'feature', 'probe', 'kernel').then(
		text => JSON.parse(text) as Bpftool,
	));
}

function supportOf(names: string): Map<string, FeatureReport['support']> {
	return new Map(probeFeatures({names: [names]}).map(each => [each.name, each.support]));
}

/** bpftool 7 tries these without a part of the kernel that they are for, and takes that for a no. */
const notTried = new Set(['tracing', 'ext', 'lsm']);

kernel('program types are those that bpftool finds', async t => {
	const ours = supportOf('program');
	for (const [name, found] of Object.entries((await askBpftool()).program_types)) {
		const type = name.replace(/^have_(.*)_prog_type$/, '$1');
		if (notTried.has(type)) continue;
		t.is(ours.get(`program:${type}`), found ? 'yes' : 'no', type);
	}
});

kernel('map types are those that bpftool finds', async t => {
	const ours = supportOf('map');
	for (const [name, found] of Object.entries((await askBpftool()).map_types)) {
		const type = name.replace(/^have_(.*)_map_type$/, '$1');
		t.is(ours.get(`map:${type}`), found ? 'yes' : 'no', type);
	}
});

// bpftool 7 knows the refusal by words that newer kernels do not use, and then takes every helper
// for available: it can confirm, not deny.
kernel('helpers are among those that bpftool finds', async t => {
	const {helpers} = await askBpftool();
	const sizes = new Set(Object.values(helpers).map(list => list.length));
	const isTelling = sizes.size > 2;
	const known = new Set(Object.values(helpers).flat());
	for (const type of ['xdp', 'sched_cls', 'cgroup_skb', 'sock_ops', 'socket_filter']) {
		const found = new Set(helpers[`${type}_available_helpers`]);
		const ours = probeFeatures({names: [`helper:${type}`]});
		for (const {name, support} of ours) {
			const helper = `bpf_${name.replace(/^.*\//, '')}`;
			// It is older than some, and leaves out those that make the kernel write to its log.
			if (!known.has(helper)) continue;
			if (support === 'yes' || isTelling) t.is(found.has(helper), support === 'yes', name);
		}
	}
});

const offers = test.macro({
	exec(t, name: string, expected: boolean) {
		t.is(hasFeature(name), expected);
	},
	title: (_, name, expected) => `the kernel has ${expected ? '' : 'not '}${name}`,
});

kernel(offers, 'helper:xdp/redirect_map', true);
kernel(offers, 'helper:xdp/xdp_adjust_head', true);
kernel(offers, 'helper:xdp/skb_store_bytes', false);
kernel(offers, 'helper:sched_cls/skb_store_bytes', true);
kernel(offers, 'helper:socket_filter/redirect', false);
kernel(offers, 'helper:sock_ops/sock_ops_cb_flags_set', true);
kernel(offers, 'program:xdp', true);
kernel(offers, 'map:hash', true);
kernel(offers, 'map:flag/mmapable', true);
kernel(offers, 'code:bounded_loops', true);
kernel(offers, 'code:large_programs', true);
kernel(offers, 'code:isa_v3', true);
kernel(offers, 'code:global_data', true);
kernel(offers, 'call:batch_hash', true);
kernel(offers, 'call:map_freeze', true);
kernel(offers, 'link:cgroup', true);
kernel(offers, 'btf:func_global', true);

const since = (version: string) => kernelTest({feature: 'the feature asked for', since: version});

since('6.6')(offers, 'link:tcx', true);
since('6.6')(offers, 'link:uprobe_multi', true);
since('6.6')(offers, 'code:isa_v4', true);
since('6.4')(offers, 'link:netfilter', true);
since('6.1')(offers, 'btf:enum64', true);
since('6.9')(offers, 'map:arena', true);
since('6.9')(offers, 'code:may_goto', true);
since('6.9')(offers, 'call:token', true);
since('6.5')(offers, 'call:pin_at_folder', true);
since('5.18')(offers, 'call:test_run_live_frames', true);
since('5.18')(offers, 'code:kfuncs', true);
since('5.17')(offers, 'code:callbacks', true);
since('5.17')(offers, 'call:batch_lpm_trie', true);

kernel('asking leaves no descriptor open', t => {
	const open = () => readdirSync('/proc/self/fd').length;
	// The kernel's types stay mapped once they have been asked for.
	probeFeatures({names: ['program:struct_ops']});
	const before = open();
	probeFeatures();
	probeFeatures({names: ['helper:xdp']});
	t.is(open(), before);
});

test('names are unique, and begin with their group', t => {
	const names = featureNames();
	t.is(new Set(names).size, names.length);
	for (const name of names) {
		t.regex(name, /^(?:program|map|link|btf|code|call|helper):[a-z0-9_]+(?:\/\w+)?$/);
	}
});

test('a beginning of a name is whole words', t => {
	const names = (...given: string[]) => probeFeatures({names: given}).map(({name}) => name);
	t.deepEqual(names('map:hash'), ['map:hash']);
	t.true(names('map:flag').length > 5);
	t.deepEqual(names('link:tcx', 'link:tcx'), ['link:tcx']);
	t.throws(() => names('map:has'), {code: 'ERR_USAGE', message: /did you mean map:hash\?$/});
	t.throws(() => names('m'), {code: 'ERR_USAGE'});
});

test('a name that is none is refused', t => {
	t.throws(() => hasFeature('link:tcz'), {
		code: 'ERR_USAGE',
		message: 'probe feature "link:tcz": there is no such feature; did you mean link:tcx?',
	});
});

kernel('without capabilities the answer is unknown, and why', async t => {
	const script = new URL('../../../src/index.js', import.meta.url).href;
	const {stdout} = await execute('setpriv', [
		'--bounding-set=-all',
		process.execPath,
		'--input-type=module',
		'-e',
		`import {hasFeature, probeFeatures} from '${script}';
		let code; try { hasFeature('map:hash'); } catch (error) { code = error.code; }
		console.log(JSON.stringify([code, ...probeFeatures({names: ['map:hash', 'program:xdp']})]));`,
	]);
	const [code, ...reports] = JSON.parse(stdout) as [string, ...FeatureReport[]];
	t.is(code, 'ERR_FEATURE');
	for (const {support, reason} of reports) {
		t.is(support, 'unknown');
		t.regex(reason ?? '', /^this process lacks CAP_BPF/);
	}
});

kernel('the command line shows what is asked for, and checks it', async t => {
	const {code, out} = await skep('feature', 'link:cgroup', 'map:hash', '-o', 'json');
	t.is(code, 0);
	t.deepEqual(
		out
			.trimEnd()
			.split('\n')
			.map(line => JSON.parse(line) as unknown),
		[
			{name: 'link:cgroup', group: 'link', support: 'yes', since: '5.7'},
			{name: 'map:hash', group: 'map', support: 'yes', since: '3.19'},
		],
	);
	t.is((await skep('feature', '--check', 'map:hash')).code, 0);
	t.is((await skep('feature', '--check', 'helper:xdp/skb_store_bytes')).code, 1);
	t.deepEqual(await skep('feature', 'nonsense'), {
		code: 2,
		out: '',
		err: 'skep: probe feature "nonsense": there is no such feature\n',
	});
});
