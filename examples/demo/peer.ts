/** One end of a TCP connection: `listen ADDRESS` or `send ADDRESS PORT BYTES`. */

import {once} from 'node:events';
import {connect, createServer, type AddressInfo} from 'node:net';

const [mode, address, port, bytes] = process.argv.slice(2);

await once(process.stdin, 'data');
process.stdin.pause();

if (mode === 'listen') {
	const server = createServer({allowHalfOpen: true}, socket => {
		socket.on('end', () => {
			socket.end('thanks');
			server.close();
		});
		socket.resume();
	});
	server.listen(0, address, () => {
		console.log((server.address() as AddressInfo).port);
	});
} else {
	const socket = connect({host: address ?? '', port: Number(port), allowHalfOpen: true});
	await once(socket, 'connect');
	socket.end(Buffer.alloc(Number(bytes)));
	socket.resume();
	await once(socket, 'end');
}
