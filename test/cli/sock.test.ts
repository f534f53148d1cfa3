import {once} from 'node:events';

import {datapathUp, Services} from '../../src/datapath/index.js';
import {echo, talk} from '../helpers/datapath-clients.js';
import {addressesOf, makeDatapathLab} from '../helpers/datapath-lab.js';
import {skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {until} from '../helpers/run.js';

const kernel = kernelTest({feature: 'links of maps of sockets', since: '6.10'});
const frontends = ['203.0.113.80', '2001:db8:80::80'] as const;
const brackets = (address: string): string => (address.includes(':') ? `[${address}]` : address);

kernel('sockets with backends are listed and forgotten from the command line', async t => {
	const {red, blue, root, maps, options} = await makeDatapathLab(t);
	const cgroup = red.cgroup.replace(/\/[^/]*$/, '');
	await datapathUp({...options, cgroup, sockmap: true});
	const services = new Services(maps);
	for (const port of [8081, 8082]) {
		const server = await blue.listen(port);
		server.on('connection', socket => {
			socket.once('data', () => {
				socket.end(`HTTP/1.0 200 OK\r\n\r\nport ${port}\n`);
			});
			socket.on('error', () => undefined);
		});
	}

	await echo(blue, 8083);
	const sock = async (...words: readonly string[]): Promise<string> => {
		const {code, out, err} = await skep('sock', ...words, '--root', root);
		t.is(code, 0, err);
		return out;
	};

	for (const [i, address] of frontends.entries()) {
		const backend = addressesOf(blue)[i] ?? '';
		const frontend = {address, port: 80, protocol: 'tcp'} as const;
		const backends = [8081, 8082].map(port => ({address: backend, port}));
		await services.upsert({frontend, backends});
		const answers = new Set<string>();
		for (let tries = 0; tries < 40 && answers.size < 2; tries++) {
			const {stdout} = await red.exec('curl', ['-s', `http://${brackets(address)}/`]);
			answers.add(stdout);
		}

		t.deepEqual([...answers].sort(), ['port 8081\n', 'port 8082\n']);
		// A backend that is drained gets no connection any more.
		await services.upsert({frontend, backends: [{address: backend, port: 8082}]});
		for (let tries = 0; tries < 8; tries++) {
			const {stdout} = await red.exec('curl', ['-s', `http://${brackets(address)}/`]);
			t.is(stdout, 'port 8082\n');
		}

		await services.upsert({frontend, backends: [{address: backend, port: 8083}]});
		await sock('choose', '80', '--address', address);
		t.regex(await sock('chosen'), new RegExp(`${address} +80\n`));
		const socket = await red.connect(address, 80);
		t.is(await talk(socket, 'hello'), 'hello');
		const places = `${brackets(backend)}:8083 +${brackets(address)}:80`.replaceAll(
			/[[\]]/g,
			'\\$&',
		);
		t.regex(await sock('list'), new RegExp(`^COOKIE.*\n *\\d+ +${places} +\\d+ +current\n$`));
		const direct = (await sock('direct', '-o', 'json')).trimEnd().split('\n');
		t.is(direct.length, 2);
		t.like(
			JSON.parse(
				direct.find(line => line.includes('"remote":{"address":"' + backend)) ?? '{}',
			),
			{
				remote: {address: backend, port: 8083},
			},
		);

		await services.delete(frontend);
		t.regex(await sock('list'), / stale\n$/);
		t.is(await sock('flush'), 'flushed  1\n');
		t.is(await talk(socket, 'still here'), 'still here');
		await sock('unchoose', '80', '--address', address);
		t.is((await skep('sock', 'unchoose', '80', '--root', root)).code, 1);
		t.is(await talk(socket, 'by the stack'), 'by the stack');
		socket.destroy();
		await once(socket, 'close');
		await until('no direct sockets', async () => (await sock('direct', '-o', 'json')) === '');
	}
});
