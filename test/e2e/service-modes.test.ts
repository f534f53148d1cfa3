import {once} from 'node:events';
import test from 'ava';

import {backendsOf, makeServiceLab} from '../../bench/service-lab.js';
import {makeServices, type Family} from '../../bench/service-list.js';
import {modeNames, modes, type Mode, type ModeName} from '../../bench/service-modes.js';
import {measureMode, targetOf} from '../../bench/service-network.js';
import {connects, talk} from '../helpers/datapath-clients.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces of a lab', since: '5.7'});

const answers = test.macro({
	async exec(t, name: ModeName, family: Family) {
		const lab = await makeServiceLab();
		t.teardown(async () => lab.net.close());
		const mode: Mode = modes[name];
		const services = makeServices(family, 3, backendsOf(family), 1);
		t.teardown(await mode.install({lab, family, services}));

		const {addresses, port} = targetOf(mode, services);
		for (let i = 0; i < 6; i++) {
			const address = addresses[i % addresses.length] ?? '';
			const socket = await lab.client.connect(address, port);
			t.is(await talk(socket, 'x'), 'x');
			socket.resetAndDestroy();
			await once(socket, 'close');
		}
	},
	title: (_, name, family) => `IPv${family}: ${name} reaches the backends of a service`,
});

const isMeasured = test.macro({
	async exec(t, name: ModeName, kind: 'CRR' | 'bulk') {
		const services = makeServices(4, 1, backendsOf(4));
		const rate = await measureMode(modes[name], {family: 4, kind, services}, 5);
		t.true(rate.perCpuSecond > 0);
		t.true(rate.perSecond > 0);
	},
	title: (_, name, kind) => `the benchmark measures ${kind} by ${name}`,
});

const isSilent = test.macro({
	async exec(t, family: Family) {
		const lab = await makeServiceLab();
		t.teardown(async () => lab.net.close());
		const [service] = makeServices(family, 1, backendsOf(family));
		t.false(await connects(lab.client, service?.address ?? '', service?.port ?? 0, 250));
	},
	title: (_, family) => `IPv${family}: nobody has the address of a service`,
});

for (const name of modeNames) {
	for (const family of [4, 6] as const) kernel(answers, name, family);
	kernel(isMeasured, name, 'CRR');
}

kernel(isMeasured, 'plain', 'bulk');
kernel(isSilent, 4);
kernel(isSilent, 6);
