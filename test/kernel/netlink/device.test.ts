import {getDevice, listDevices, setXdp, xdpModeFlag} from '../../../src/kernel/netlink/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {makeDevice} from '../../helpers/device.js';

const kernel = kernelTest({feature: 'replacing an expected XDP program', since: '5.7'});

kernel('the interfaces of a namespace are listed', async t => {
	const {index: ifindex, name, netns} = await makeDevice(t);
	const [loopback, veth, ...rest] = listDevices(netns);
	t.like(loopback, {ifindex: 1, name: 'lo', mtu: 65_536, kind: '', master: 0, xdp: []});
	t.deepEqual(loopback?.address, new Uint8Array(6));
	t.like(veth, {ifindex, name, mtu: 1500, kind: 'veth', xdp: []});
	t.is(veth?.address.length, 6);
	t.deepEqual(rest, []);
	t.like(getDevice(ifindex, netns), {ifindex, name, mtu: 1500, kind: 'veth', xdp: []});
});

kernel('an interface that is not there is ENODEV', async t => {
	const {netns} = await makeDevice(t);
	t.throws(() => getDevice(999_999, netns), {
		code: 'ERR_NETLINK',
		message: 'get interface 999999: no such device (ENODEV)',
	});
});

for (const mode of ['native', 'generic'] as const) {
	kernel(`a ${mode} XDP program is set, replaced and removed as expected`, async t => {
		const {index: ifindex, netns} = await makeDevice(t);
		const [one, two] = [
			(await loadFixture(t, 'kernel/globals')).program('count_packets'),
			(await loadFixture(t, 'kernel/globals')).program('count_packets'),
		];
		const set = (programFd: number, expected: number | 'nothing' | 'anything') => {
			setXdp({ifindex, mode, netns, programFd, expected});
		};
		const attached = () => getDevice(ifindex, netns).xdp;

		set(one.fd, 'nothing');
		t.deepEqual(attached(), [{mode, programId: one.info().id}]);
		t.throws(() => set(two.fd, 'nothing'), {
			message: `set xdp of interface ${ifindex}: XDP program already attached (EBUSY)`,
		});
		t.throws(() => set(two.fd, two.fd), {
			message: `set xdp of interface ${ifindex}: Active program does not match expected (EEXIST)`,
		});
		set(two.fd, one.fd);
		t.deepEqual(attached(), [{mode, programId: two.info().id}]);
		t.throws(() => set(-1, one.fd), {code: 'ERR_NETLINK'});
		set(-1, two.fd);
		t.deepEqual(attached(), []);
	});
}

kernel('the modes have the flags of the kernel', t => {
	t.deepEqual((['generic', 'native', 'offload'] as const).map(xdpModeFlag), [2, 4, 8]);
	t.throws(() => xdpModeFlag('nativ' as 'native'), {
		code: 'ERR_USAGE',
		message: 'look up XDP mode "nativ": expected native, generic or offload',
	});
});
