import {once} from 'node:events';
import type {Socket} from 'node:net';
import type {ExecutionContext} from 'ava';

import {datapathUp, Policies, Sockets} from '../../../src/datapath/index.js';
import type {Host} from '../../../src/lab/index.js';
import {echo, talk} from '../../helpers/datapath-clients.js';
import {addressesOf, makeDatapathLab} from '../../helpers/datapath-lab.js';
import {kernelTest} from '../../helpers/kernel.js';
import {until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'links of maps of sockets', since: '6.10'});
const port = 80;

/** Red and blue with direct connections between them, and what their wire carries. */
async function makeDirectLab(t: ExecutionContext) {
	const net = await makeDatapathLab(t);
	// Of all hosts of the lab.
	const cgroup = net.red.cgroup.replace(/\/[^/]*$/, '');
	await datapathUp({...net.options, cgroup, sockmap: true});
	const sockets = new Sockets(net.maps);
	sockets.choose({port});
	await echo(net.blue, port);
	return {...net, sockets, cgroup};
}

/** Bytes that an interface sent. */
async function sentBy(host: Host): Promise<number> {
	const {stdout} = await host.exec('cat', ['/proc/net/dev']);
	const [, ...counters] = /eth0:(.*)/.exec(stdout)?.[1]?.trim().split(/\s+/) ?? [];
	return Number(counters[7]);
}

const text = 'x'.repeat(10_000);

kernel('messages of a chosen connection skip the stack, of others they do not', async t => {
	const {red, blue, sockets, added} = await makeDirectLab(t);
	t.is(added.length, 2);
	await echo(blue, 81);
	for (const address of addressesOf(blue)) {
		const direct = await red.connect(address, port);
		t.is(await talk(direct, text), text);
		const before = await sentBy(red);
		for (let i = 0; i < 20; i++) t.is(await talk(direct, text), text);
		t.true((await sentBy(red)) - before < text.length, address);
		const listed = [...sockets.direct()].filter(({remote}) => remote.port === port);
		t.like(listed, [{remote: {address, port}}]);
		t.is([...sockets.direct()].length, 2);

		const other = await red.connect(address, 81);
		t.is(await whole(other, text), text);
		t.true((await sentBy(red)) - before > text.length, address);
		direct.destroy();
		other.destroy();
		await until('no direct sockets', () => [...sockets.direct()].length === 0);
	}
});

/** Sends; all of the answer. */
async function whole(socket: Socket, sent: string): Promise<string> {
	socket.write(sent);
	let answer = '';
	while (answer.length < sent.length) {
		const [part] = (await once(socket, 'data')) as [Buffer];
		answer += part.toString();
	}

	return answer;
}

kernel(
	'what a policy denies stops, direct or not, and goes on when it is allowed again',
	async t => {
		const {red, blue, maps, sockets} = await makeDirectLab(t);
		const policies = new Policies(maps);
		for (const address of addressesOf(blue)) {
			const socket = await red.connect(address, port);
			t.is(await talk(socket, 'before'), 'before');
			t.is([...sockets.direct()].length, 2);
			await policies.replace(2, [], {enforce: {ingress: true}});
			const answered = once(socket, 'data');
			socket.write('held back');
			t.is(await Promise.race([answered, quiet()]), undefined);
			await policies.remove(2);
			const [answer] = (await answered) as [Buffer];
			t.is(answer.toString(), 'held back');
			t.is(await talk(socket, 'after'), 'after');
			socket.destroy();
			await until('no direct sockets', () => [...sockets.direct()].length === 0);
		}
	},
);

/** As long as an answer would take many times over. */
const quiet = async (): Promise<undefined> =>
	new Promise(resolve => {
		setTimeout(resolve, 250, undefined);
	});

kernel('connections that are open when it is switched on or off stay whole', async t => {
	const net = await makeDatapathLab(t);
	const cgroup = net.red.cgroup.replace(/\/[^/]*$/, '');
	const sockets = new Sockets(net.maps);
	await echo(net.blue, port);
	for (const address of addressesOf(net.blue)) {
		const older = await net.red.connect(address, port);
		await datapathUp({...net.options, cgroup, sockmap: true});
		sockets.choose({port});
		t.is(await whole(older, text), text);
		t.deepEqual([...sockets.direct()], []);

		const socket = await net.red.connect(address, port);
		let received = 0;
		let wrong = 0;
		socket.on('data', (part: Buffer) => {
			for (const byte of part) if (byte !== (received++ * 7) % 251) wrong++;
		});
		let sent = 0;
		const send = async (bytes: number): Promise<void> => {
			const part = Buffer.from(Array.from({length: bytes}, () => (sent++ * 7) % 251));
			if (!socket.write(part)) await once(socket, 'drain');
		};
		for (let i = 0; i < 400; i++) {
			// Small ones in turns, large ones, and many at once.
			await send(i % 5 === 0 ? 200_000 : i % 3 === 0 ? 5000 : 100);
			if (i % 4 === 0) await until('answers', () => received === sent);
			if (i === 100) sockets.unchoose({port});
			if (i === 150) sockets.choose({port});
			if (i === 200) await datapathUp({...net.options, cgroup});
			if (i === 300) await datapathUp({...net.options, sockmap: false});
		}

		await until('all answers', () => received === sent);
		t.is(wrong, 0);
		t.is(await whole(older, text), text);
		socket.destroy();
		older.destroy();
	}
});

kernel('ports are chosen by address too, and left again', async t => {
	const {sockets, red, blue} = await makeDirectLab(t);
	t.deepEqual(sockets.chosen(), [{port}]);
	t.true(sockets.unchoose({port}));
	t.false(sockets.unchoose({port}));
	for (const address of addressesOf(blue)) {
		sockets.choose({address, port});
		t.deepEqual(sockets.chosen(), [{address, port}]);
		const socket = await red.connect(address, port);
		t.is(await talk(socket, 'a'), 'a');
		t.is([...sockets.direct()].length, 2);
		socket.destroy();
		t.true(sockets.unchoose({address, port}));
		await until('no direct sockets', () => [...sockets.direct()].length === 0);
	}

	t.throws(
		() => {
			sockets.choose({port: 0});
		},
		{code: 'ERR_USAGE'},
	);
});
