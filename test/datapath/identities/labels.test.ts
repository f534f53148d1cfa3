import test from 'ava';

import {LabelIndex, type Labels} from '../../../src/datapath/identities/labels.js';

const index = new LabelIndex([
	{id: 256, labels: ['k8s:app=web', 'k8s:tier=front'], scope: 'cluster'},
	{id: 257, labels: ['app=web', 'tier=back'], scope: 'cluster'},
	{id: 258, labels: ['container:app=web=1', 'k8s:alone'], scope: 'cluster'},
	{id: 0x01_00_00_01, labels: ['cidr:fd00::/8'], scope: 'local'},
]);

const finds = test.macro({
	exec: (t, labels: Labels, expected: readonly number[]) =>
		t.deepEqual(index.find(labels), expected),
	title: (_, labels: Labels, expected: readonly number[]) =>
		`${JSON.stringify(labels)} are ${expected.join(', ') || 'nobody'}`,
});

test(finds, {app: 'web'}, [256, 257]);
test(finds, {'k8s:app': 'web'}, [256]);
test(finds, {app: 'web', tier: 'back'}, [257]);
test(finds, {'k8s:tier': 'front', app: 'web'}, [256]);
test(finds, {'container:tier': 'front'}, []);
test(finds, {app: 'web=1'}, [258]);
test(finds, {alone: ''}, [258]);
test(finds, {app: 'we'}, []);
test(finds, {'cidr:fd00::/8': ''}, [0x01_00_00_01]);
test(finds, {}, []);
