import {readFileSync} from 'node:fs';
import test from 'ava';
import {hardwareEvents, perfEventTypes, softwareEvents} from '../../src/uapi/perf-events.js';

const header = readFileSync('/usr/include/linux/perf_event.h', 'utf8');

const numbers = test.macro({
	exec(t, prefix: string, table: Readonly<Record<string, number>>) {
		for (const [name, number] of Object.entries(table)) {
			const pattern = new RegExp(`${prefix}${name.toUpperCase()}\\s*=\\s*(\\d+)`);
			t.is(Number(pattern.exec(header)?.[1]), number, name);
		}
	},
	title: (_, prefix) => `${prefix}* have the numbers of the kernel`,
});

test(numbers, 'PERF_TYPE_', perfEventTypes);
test(numbers, 'PERF_COUNT_SW_', softwareEvents);
test(numbers, 'PERF_COUNT_HW_', hardwareEvents);
