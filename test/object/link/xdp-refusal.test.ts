import {constants} from 'node:os';
import test from 'ava';
import {xdpDetail, type Refusal} from '../../../src/object/link/xdp-refusal.js';

const {EINVAL, ENODEV, ENOMEM, EOPNOTSUPP} = constants.errno;

const explained = test.macro({
	exec(t, refusal: Pick<Refusal, 'errno' | 'explanation'>, detail: string | undefined) {
		const target = {ifindex: 2 ** 31 - 1, name: 'eth7', netns: undefined};
		t.deepEqual(xdpDetail({...refusal, target, mode: 'native'}), {detail});
	},
	title: (_, {errno, explanation}) => `errno ${errno} with "${explanation}" is explained`,
});

test(
	explained,
	{errno: EINVAL, explanation: "can't set up XDP with LRO enabled"},
	"can't set up XDP with LRO enabled; 'ethtool -K eth7 lro off' first",
);
test(
	explained,
	{errno: EINVAL, explanation: 'MTU too large for linear frames'},
	'MTU too large for linear frames; the MTU is unknown: lower it, or load the program from section "xdp.frags"',
);
test(explained, {errno: EINVAL, explanation: 'no free queues'}, 'no free queues');
test(
	explained,
	{errno: EINVAL, explanation: ''},
	'the driver of "eth7" refuses native XDP as it is set up now (MTU, LRO, queues)',
);
test(
	explained,
	{errno: EOPNOTSUPP, explanation: ''},
	`the driver of "eth7" has no native XDP; mode 'generic' works with every driver, and is slower`,
);
test(explained, {errno: ENODEV, explanation: ''}, 'the interface is gone');
test(explained, {errno: ENOMEM, explanation: ''}, undefined);
