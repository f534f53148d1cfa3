import {lab} from '../../../src/lab/index.js';
import {skep} from '../../helpers/cli.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});

kernel('skep lab shell runs a command in a host', async t => {
	const name = `shell-${process.pid}`;
	await using net = await lab({name, hosts: ['client', 'server'], links: [['client', 'server']]});
	const shell = async (...words: string[]) => skep('lab', 'shell', '--lab', name, ...words);
	const addresses = await shell('client', '--', 'ip', '-br', 'address');
	t.regex(addresses.out, /eth0@\S+ +UP +192\.0\.2\.1\/24/);
	t.is(addresses.code, 0);
	t.is((await shell('client', '--', 'sh', '-c', 'exit 5')).code, 5);
	t.is((await shell('client', '--', 'sh', '-c', 'kill -TERM $$')).code, 143);
	const group = await shell('client', '--', 'cat', '/proc/self/cgroup');
	t.true(group.out.trim().endsWith(net.hosts.client.cgroup.split('/').slice(-2).join('/')));
	const absent = await shell('nobody');
	t.is(absent.code, 1);
	t.regex(absent.err, /find host "nobody" in lab ".*": no lab that stands has one/);
});

kernel('skep lab list names labs and their hosts', async t => {
	const name = `list-${process.pid}`;
	await using net = await lab({name, hosts: ['client']});
	t.truthy(net);
	const {out} = await skep('lab', 'list');
	t.regex(out, new RegExp(`${name} +client +${process.pid} +yes +0 +/run/netns/skep-`));
	const json = (await skep('lab', 'list', '-o', 'json')).out.trim().split('\n');
	const own = json
		.map(line => JSON.parse(line) as {name: string})
		.find(each => each.name === name);
	t.like(own, {pid: process.pid, alive: true});
});
