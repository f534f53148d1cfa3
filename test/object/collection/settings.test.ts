import test from 'ava';
import {UsageError} from '../../../src/base/errors.js';
import {viewOf} from '../../../src/base/bytes.js';
import {KernelConfig, KernelConfigError} from '../../../src/kernel/host/kernel-config.js';
import {
	settingBytes,
	type SettingSources,
	type SettingValue,
} from '../../../src/object/collection/settings.js';
import {parseObject} from '../../../src/spec/read.js';
import {SpecError} from '../../../src/spec/spec-error.js';
import {createCodec} from '../../../src/format/codec/codec.js';
import {objectOf} from '../../spec/corpus.js';

const config = `
CONFIG_YES=y
CONFIG_MODULE=m
# CONFIG_NO is not set
CONFIG_NUMBER=250
CONFIG_NEGATIVE=-3
CONFIG_START=0xffffffff81000000
CONFIG_TEXT="a \\"b\\" \\\\"
`;

const sources: SettingSources = {
	config: () => new KernelConfig(config),
	version: () => 0x06_01_02,
	hasAttachCookie: () => true,
	hasSyscallWrapper: () => false,
};

async function bytesOf(
	declaration: string,
	overrides: Record<string, SettingValue> = {},
	from = sources,
): Promise<{value: unknown; bytes: Uint8Array}> {
	const name = /(\w+)(\[\d*\])? __kconfig/.exec(declaration)?.[1] ?? '';
	const use = declaration.includes('[') ? `${name}[0]` : name;
	const spec = parseObject(
		await objectOf(`extern ${declaration}; SEC("xdp") int entry(void *ctx) { return ${use}; }`),
		{name: 'test'},
	);
	const bytes = settingBytes(spec, overrides, from);
	const type = spec.types?.find(name, 'var');
	if (bytes === undefined || type === undefined || spec.types === undefined) {
		throw new Error('no settings');
	}

	return {bytes, value: createCodec(spec.types, type.typeId).decode(viewOf(bytes), 0)};
}

const is = test.macro({
	async exec(t, declaration: string, expected: unknown, overrides = {}) {
		const {value} = await bytesOf(declaration, overrides as Record<string, SettingValue>);
		t.deepEqual(value instanceof Uint8Array ? [...value] : value, expected);
	},
	title: (_, declaration: string, expected: unknown, overrides: object = {}) =>
		`${declaration} is ${String(expected)}, given ${Object.values(overrides).join() || 'nothing'}`,
});

const text = (value: string, size: number): number[] => [
	...Buffer.from(value.padEnd(size, '\0'), 'latin1'),
];

test(is, '_Bool CONFIG_YES __kconfig', true);
test(is, '_Bool CONFIG_NO __kconfig', false);
test(is, '_Bool CONFIG_NONE __kconfig __weak', false);
test(is, 'enum libbpf_tristate CONFIG_MODULE __kconfig', 'TRI_MODULE');
test(is, 'enum libbpf_tristate CONFIG_YES __kconfig', 'TRI_YES');
test(is, 'enum libbpf_tristate CONFIG_NO __kconfig', 'TRI_NO');
test(is, 'char CONFIG_MODULE __kconfig', 'm'.charCodeAt(0));
test(is, 'char CONFIG_NEGATIVE __kconfig', -3);
test(is, 'int CONFIG_NUMBER __kconfig', 250);
test(is, 'int CONFIG_NEGATIVE __kconfig', -3);
test(is, 'short CONFIG_NUMBER __kconfig', 250);
test(is, 'unsigned long CONFIG_START __kconfig', 0xffff_ffff_8100_0000n);
test(is, 'long CONFIG_NONE __kconfig __weak', 0n);
test(is, 'char CONFIG_TEXT[12] __kconfig', text('a "b" \\', 12));
test(is, 'char CONFIG_TEXT[4] __kconfig', text('a "', 4));
test(is, 'int LINUX_KERNEL_VERSION __kconfig', 0x06_01_02);
test(is, '_Bool LINUX_HAS_BPF_COOKIE __kconfig', true);
test(is, 'int LINUX_HAS_BPF_COOKIE __kconfig', 1);
test(is, '_Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig', false);
test(is, '_Bool LINUX_HAS_WINGS __kconfig __weak', false);
test(is, '_Bool CONFIG_NO __kconfig', true, {CONFIG_NO: true});
test(is, '_Bool CONFIG_YES __kconfig', false, {CONFIG_YES: false});
test(is, '_Bool CONFIG_NONE __kconfig', true, {CONFIG_NONE: 'y'});
test(is, 'int CONFIG_NUMBER __kconfig', 100, {CONFIG_NUMBER: 100});
test(is, 'unsigned long CONFIG_NUMBER __kconfig', 64n, {CONFIG_NUMBER: '0x40'});
test(is, 'unsigned long CONFIG_NUMBER __kconfig', 2n ** 64n - 1n, {CONFIG_NUMBER: 2n ** 64n - 1n});
test(is, 'char CONFIG_TEXT[8] __kconfig', text('mine', 8), {CONFIG_TEXT: 'mine'});
test(is, 'int LINUX_KERNEL_VERSION __kconfig', 1, {LINUX_KERNEL_VERSION: 1});

const refused = test.macro({
	async exec(t, declaration: string, detail: string, overrides = {}) {
		const error = await t.throwsAsync(
			bytesOf(declaration, overrides as Record<string, SettingValue>),
			{instanceOf: SpecError},
		);
		const name = /(\w+)(\[\d*\])? __kconfig/.exec(declaration)?.[1];
		t.is(error.message, `read setting "${name}": ${detail}`);
		t.is(error.symbol, name);
	},
	title: (_, declaration: string, detail) => `${declaration} is refused: ${detail}`,
});

test(refused, 'int CONFIG_NONE __kconfig', 'this kernel has no such setting, and it is not weak');
test(
	refused,
	'int LINUX_HAS_WINGS __kconfig',
	'this kernel has no such setting, and it is not weak',
);
test(refused, '_Bool CONFIG_MODULE __kconfig', 'its value m is no bool');
test(refused, '_Bool CONFIG_NUMBER __kconfig', 'its value 250 is no bool');
test(
	refused,
	'enum libbpf_tristate CONFIG_TEXT __kconfig',
	'its value "a \\"b\\" \\\\" is no tristate',
);
test(refused, 'int CONFIG_YES __kconfig', 'its value y is no number');
test(refused, 'char CONFIG_NUMBER __kconfig', 'its value 250 does not fit 8 bits, signed');
test(
	refused,
	'unsigned int CONFIG_START __kconfig',
	'its value 0xffffffff81000000 does not fit 32 bits, unsigned',
);
test(
	refused,
	'unsigned int CONFIG_NEGATIVE __kconfig',
	'its value -3 does not fit 32 bits, unsigned',
);
test(refused, 'char CONFIG_NUMBER[8] __kconfig', 'its value 250 is no text');
test(
	refused,
	'char *CONFIG_TEXT __kconfig',
	'a setting is a bool, tristate, number or text, no ptr',
);

test('an override of no setting is refused', async t => {
	await t.throwsAsync(bytesOf('int CONFIG_NUMBER __kconfig', {CONFIG_NUMBERS: 1}), {
		instanceOf: UsageError,
		message:
			'load object "test": it has no setting "CONFIG_NUMBERS"; did you mean "CONFIG_NUMBER"?',
	});
});

test('without a configuration, settings are 0 where they are weak', async t => {
	const hidden = {
		...sources,
		config: () => {
			throw new KernelConfigError('read kernel configuration: it is nowhere');
		},
	};
	const {value} = await bytesOf('int CONFIG_NUMBER __kconfig __weak', {}, hidden);
	t.is(value, 0);
	await t.throwsAsync(bytesOf('int CONFIG_NUMBER __kconfig', {}, hidden), {
		instanceOf: SpecError,
		message: 'read setting "CONFIG_NUMBER": read kernel configuration: it is nowhere',
	});
});
