import test from 'ava';

import type {PolicyEntry} from '../../../src/datapath/layout/policy.js';
import {decide, prefixOf} from '../../../src/datapath/policy/decide.js';

const plain: PolicyEntry = {proxy_port: 0, deny: false, auth_type: 0};

test('before Cilium 1.19 a denial wins, then the longer entry', t => {
	const wide = {...plain, lpm_prefix_length: 8};
	const narrow = {...plain, lpm_prefix_length: 24};
	t.is(decide(narrow, {...wide, deny: true}).chosen, 'anybody');
	t.is(decide({...wide, deny: true}, narrow).chosen, 'peer');
	t.is(decide(wide, narrow).chosen, 'anybody');
	t.is(decide(narrow, wide).chosen, 'peer');
	t.is(decide(wide, wide).chosen, 'peer');
});

test('entries to Cilium 1.16 say what they leave out', t => {
	const old = (wildcard_protocol: boolean, wildcard_dport: boolean): PolicyEntry => ({
		...plain,
		wildcard_protocol,
		wildcard_dport,
	});
	t.is(prefixOf(old(true, true)), 0);
	t.is(prefixOf(old(false, true)), 8);
	t.is(prefixOf(old(false, false)), 24);
});
