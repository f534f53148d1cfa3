/** One side of many connections. Says a line when it is ready, and one when its input has ended. */

import {once} from 'node:events';
import {createConnection, createServer, type Socket} from 'node:net';

const [role, ...words] = process.argv.slice(2);
const open = new Set<Socket>();
/** Connections that are being opened at once. */
const width = 64;
/** Where both endpoints begin. */
const localPort = 50_000;

if (role === 'serve') await serve(...(words.map(Number) as [number, number]));
else await connectAll(words[0] ?? '', ...(words.slice(1).map(Number) as [number, number, number]));
process.stdin.resume();
await once(process.stdin, 'end');
for (const socket of open) socket.resetAndDestroy();
process.stdout.write('over\n');
process.exit();

async function serve(first: number, count: number): Promise<void> {
	for (let port = first; port < first + count; port++) {
		const server = createServer(socket => {
			open.add(socket);
			socket.on('error', () => undefined);
			socket.on('data', data => socket.write(data));
		});
		server.listen({port, host: '::', backlog: 4096});
		await once(server, 'listening');
	}

	process.stdout.write('ready\n');
}

/** Opens them, `width` at a time, spread over the server's ports. */
async function connectAll(
	address: string,
	first: number,
	ports: number,
	count: number,
): Promise<void> {
	let [next, answered, failed] = [0, 0, 0];
	const worker = async (): Promise<void> => {
		while (next < count) {
			const number = next++;
			const local = localPort + Math.floor(number / ports);
			try {
				await ask(address, first + (number % ports), local, number);
				answered++;
			} catch {
				failed++;
			}
		}
	};
	await Promise.all(Array.from({length: width}, worker));
	process.stdout.write(`${JSON.stringify({answered, failed})}\n`);
}

async function ask(host: string, port: number, local: number, number: number): Promise<void> {
	const any = host.includes(':') ? '::' : '0.0.0.0';
	const socket = createConnection({host, port, localPort: local, localAddress: any});
	const signal = AbortSignal.timeout(60_000);
	await once(socket, 'connect', {signal});
	socket.on('error', () => undefined);
	open.add(socket);
	const sent = `${number} of ${process.pid}`;
	socket.write(sent);
	const [answer] = (await once(socket, 'data', {signal})) as [Buffer];
	if (answer.toString() !== sent) throw new TypeError(`"${answer.toString()}" for "${sent}"`);
}
