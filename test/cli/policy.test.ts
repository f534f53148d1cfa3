import {writeFile} from 'node:fs/promises';
import {fileURLToPath} from 'node:url';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';

import {openDatapathMaps} from '../../src/datapath/index.js';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import {readObject} from '../../src/spec/read.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'policies in a map of maps', since: '5.15'});

/** Maps with endpoint 11 at 10.0.0.1 and fd00::1, and identity 400 at 10.0.1.1 and fd00:1::1. */
async function pinMaps(t: ExecutionContext): Promise<string> {
	const root = await makeBpffs(t);
	const object = fileURLToPath(new URL('../../bpf/endpoint.bpf.o', import.meta.url));
	loadCollection({...(await readObject(object)), programs: {}}, {pinRoot: root}).close();
	using maps = openDatapathMaps({root, write: true});
	const endpoint = {
		ifindex: 7,
		lxc_id: 11,
		flags: 0,
		mac: '02:00:00:00:00:01',
		node_mac: '02:00:00:00:00:02',
		sec_id: 300,
		parent_ifindex: 0,
	};
	for (const address of ['10.0.0.1', 'fd00::1']) {
		maps.require('endpoints').set({address}, endpoint);
	}

	for (const prefix of ['10.0.1.1/32', 'fd00:1::1/128']) {
		maps.require('ipcache').set({prefix}, {sec_identity: 400});
	}

	return root;
}

const rules = `
enforce: {ingress: true}
rules:
  - {direction: ingress, peers: [400, world], protocol: tcp, ports: [80, "8000-8191"], action: allow}
  - {direction: ingress, peers: any, protocol: icmp, icmpType: 8, action: allow, precedence: 3}
  - {direction: ingress, peers: any, protocol: tcp, ports: 22, action: deny}
`;

async function replaced(t: ExecutionContext): Promise<string> {
	const root = await pinMaps(t);
	const file = join(await makeTempFolder(t), 'policy.yaml');
	await writeFile(file, rules);
	const result = await skep('policy', 'replace', '11', file, '--root', root);
	t.is(result.err, '');
	const told = 'endpoint 11: 14 entries, ingress Enabled, egress Disabled, revision 1\n';
	t.is(result.out, told);
	return root;
}

kernel('rules from a file are in force and listed', async t => {
	const root = await replaced(t);
	const list = await skep('policy', 'list', '--root', root);
	t.regex(list.out, /^ENDPOINT +POLICY \(INGRESS\) +POLICY \(EGRESS\) +ENTRIES +REVISION\n/);
	t.regex(list.out, /\n +11 +Enabled +Disabled +14 +1\n$/);

	const {out} = await skep('policy', 'get', '11', '--root', root);
	const [head, columns, ...lines] = out.trimEnd().split('\n');
	t.is(head, 'endpoint 11: ingress Enabled, egress Disabled, revision 1');
	t.is(
		columns?.replaceAll(/ +/g, ' '),
		'POLICY DIRECTION IDENTITY PORT/PROTO PROXY PORT BYTES PACKETS PREFIX PRECEDENCE',
	);
	t.true(lines.some(line => /^Deny +Ingress +ANY +22\/TCP +NONE +- +- +24 /.test(line)));
	t.true(lines.some(line => /^Allow +Ingress +ANY +8\/ICMP .* 3$/.test(line)));
	t.true(lines.some(line => /^Allow +Ingress +world-ipv6 +8064-8191\/TCP /.test(line)));

	const json = await skep('policy', 'get', '11', '--root', root, '-o', 'json');
	const policy = JSON.parse(json.out) as {entries: unknown[]; enforcement: unknown};
	t.is(policy.entries.length, 14);
	t.deepEqual(policy.enforcement, {ingress: true, egress: false, audit: false});
});

kernel('enforcement is changed, and a policy removed', async t => {
	const root = await replaced(t);
	const changed = await skep(
		...['policy', 'enforce', '11', '--enforce', 'both', '--audit', '--root', root],
	);
	t.is(changed.out, 'ingress  true\negress   true\naudit    true\n');
	t.is((await skep('policy', 'remove', '11', '--root', root)).code, 0);
	const again = await skep('policy', 'remove', '11', '--root', root);
	t.is(again.code, 1);
	t.is(again.err, 'skep: remove policy "endpoint 11": there is none\n');
	const gone = await skep('policy', 'get', '11', '--root', root);
	t.is(gone.err, 'skep: read policy "endpoint 11": it has none\n');
});

kernel('a trace names who decides', async t => {
	const root = await replaced(t);
	const trace = async (...args: readonly string[]): Promise<string> => {
		const result = await skep('policy', 'trace', '--root', root, ...args);
		t.is(result.err, '');
		return result.out;
	};

	for (const [src, dst] of [
		['10.0.1.1', '10.0.0.1'],
		['fd00:1::1', 'fd00::1'],
	] as const) {
		const allowed = await trace('--src', src, '--dst', dst, '--dport', '8100/tcp');
		t.true(allowed.startsWith(`from  ${src}, identity 400 by the ipcache\nto    ${dst}, `));
		t.regex(allowed, /\nIngress of endpoint 11 \(enforced\): allowed\n/);
		t.regex(allowed, /\n {2}> Allow +Ingress +400 +8064-8191\/TCP /);
		t.regex(allowed, /\nverdict: allowed\n$/);
		const denied = await trace('--src', src, '--dst', dst, '--dport', '22/tcp');
		t.regex(denied, /: denied \(Policy denied by denylist\)\n/);
		t.regex(denied, /\n {2}the entry for anybody decides: no rule names the peer\n/);
	}

	const icmp = await trace(
		'--src',
		'identity:world',
		'--dst',
		'endpoint:11',
		'--dport',
		'8/icmp',
	);
	t.regex(icmp, /\n {2}> Allow +Ingress +ANY +8\/ICMP /);
	const out = await trace('--src', 'endpoint:11', '--dst', '10.0.1.1', '-o', 'json');
	const {sides, verdict} = JSON.parse(out) as {sides: object[]; verdict: string};
	t.is(verdict, 'allowed');
	t.like(sides[0], {direction: 'egress', enforced: false, policy: 'none', passes: true});
	const foreign = await trace('--src', '10.0.9.1', '--dst', '10.0.9.2');
	t.regex(foreign, /neither end is an endpoint of this node/);
});

kernel('files that are no policy are refused', async t => {
	const root = await pinMaps(t);
	const folder = await makeTempFolder(t);
	const refuse = async (content: string, message: RegExp): Promise<void> => {
		const file = join(folder, 'policy');
		await writeFile(file, content);
		const {code, err} = await skep('policy', 'replace', '11', file, '--root', root);
		t.is(code, 2);
		t.regex(err, message);
	};

	await refuse('3', /expected a list of rules, or an object with "rules"/);
	await refuse('{"rule": []}', /there is no field "rule"/);
	await refuse('{}', /"rules" is a list/);
	await refuse('{rules: [], audit: 1}', /"audit" is true or false/);
	await refuse('{rules: [], enforce: {both: true}}', /"enforce" says true or false of ingress/);
	await refuse('[{', /^skep: read policy "[^\n]+": [^\n]+\n$/);
	await refuse('[{direction: ingress, peers: any}]', /read rule 1: action is allow or deny/);
	await refuse('[7]', /read rule 1: a rule is an object/);
	await refuse('[null]', /read rule 1: a rule is an object/);
	const missing = await skep('policy', 'replace', '11', join(folder, 'no'), '--root', root);
	t.regex(missing.err, /there is no such file/);
	const foreign = await skep('policy', 'remove', '11', '--root', root, '--prefix', 'cilium_');
	t.regex(foreign.err, /are kept by another datapath's agent/);
});
