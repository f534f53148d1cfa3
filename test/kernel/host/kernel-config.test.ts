import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import {
	KernelConfig,
	KernelConfigError,
	readKernelConfig,
} from '../../../src/kernel/host/kernel-config.js';
import {versionCode, kernelVersionCode} from '../../../src/kernel/host/kernel-version.js';
import {makeTempFolder} from '../../helpers/temp.js';

const text = `# Linux/x86 Configuration
CONFIG_YES=y
CONFIG_MODULE=m
# CONFIG_NO is not set
CONFIG_HZ=250
CONFIG_START=0xffff
CONFIG_TEXT="a \\"b\\" = c"
CONFIG_EMPTY=""
CONFIG_LAST=7`;

const value = test.macro({
	exec(t, name: string, expected: string | undefined) {
		t.is(new KernelConfig(text).get(name), expected);
	},
	title: (_, name: string, expected: string | undefined) =>
		`${name} is ${expected ?? 'not there'}`,
});

test(value, 'CONFIG_YES', 'y');
test(value, 'CONFIG_MODULE', 'm');
test(value, 'CONFIG_NO', 'n');
test(value, 'CONFIG_HZ', '250');
test(value, 'CONFIG_START', '0xffff');
test(value, 'CONFIG_TEXT', '"a \\"b\\" = c"');
test(value, 'CONFIG_EMPTY', '""');
test(value, 'CONFIG_LAST', '7');
test(value, 'CONFIG_H', undefined);
test(value, 'ONFIG_HZ', undefined);
test(value, 'CONFIG_NONE', undefined);

test('the first configuration that there is is read, packed or not', async t => {
	const folder = await makeTempFolder(t);
	const [plain, packed, absent] = ['config', 'config.gz', 'absent'].map(name =>
		join(folder, name),
	) as [string, string, string];
	await writeFile(plain, 'CONFIG_A=1\n');
	await writeFile(packed, gzipSync('CONFIG_A=2\n'));
	t.is(readKernelConfig([absent, plain, packed]).get('CONFIG_A'), '1');
	t.is(readKernelConfig([absent, packed, plain]).get('CONFIG_A'), '2');
	t.throws(() => readKernelConfig([absent]), {
		instanceOf: KernelConfigError,
		message: `read kernel configuration: it is in none of ${absent} (CONFIG_IKCONFIG_PROC)`,
	});
	await writeFile(packed, 'no gzip');
	t.throws(() => readKernelConfig([packed]), {
		instanceOf: KernelConfigError,
		message: `read kernel configuration "${packed}": it is no gzip file`,
	});
});

const coded = test.macro({
	exec(t, version: string, code: number) {
		t.is(versionCode(version), code);
	},
	title: (_, version) => `${version} as a number`,
});

test(coded, '6.1.0-18-amd64', 0x06_01_00);
test(coded, '4.14.336', 0x04_0e_ff);
test(coded, '7.0-rc1', 0x07_00_00);
test(coded, 'unknown', 0);

test('the running version is a number', t => {
	t.true(kernelVersionCode() > versionCode('4.4'));
});
