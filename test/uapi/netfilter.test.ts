import {readFileSync} from 'node:fs';
import test from 'ava';
import {netfilterFamilies, netfilterHooks, netfilterName} from '../../src/uapi/netfilter.js';

const header = readFileSync('/usr/include/linux/netfilter.h', 'utf8');

test('families and hooks have the numbers of the kernel', t => {
	for (const [name, number] of Object.entries(netfilterFamilies)) {
		const found = new RegExp(`NFPROTO_${name.toUpperCase()}\\s*=\\s*(\\d+)`).exec(header)?.[1];
		t.is(Number(found), number, name);
	}

	const hooks = /enum nf_inet_hooks \{([^}]*)\}/.exec(header)?.[1] ?? '';
	const names = [...hooks.matchAll(/NF_INET_(?!NUM)(\w+)/g)].map(([, name = '']) => name);
	for (const [name, number] of Object.entries(netfilterHooks))
		t.is(
			names[number]
				?.replaceAll('_', '')
				.replace(/^LOCAL/, '')
				.toLowerCase()
				.replace(/^in$/, 'input')
				.replace(/^out$/, 'output'),
			name,
		);
});

test('a number without a name says so', t => {
	t.is(netfilterName(netfilterHooks, 4), 'postrouting');
	t.is(netfilterName(netfilterHooks, 9), 'unknown(9)');
});
