import {mkdirSync, writeFileSync} from 'node:fs';
import test from 'ava';
import {probeSource, tracepointId} from '../../../src/kernel/host/trace-events.js';
import {makeTempFolder} from '../../helpers/temp.js';

test('a kind of probe has its type and the bit for returns', async t => {
	const root = await makeTempFolder(t);
	const folder = `${root}/bus/event_source/devices/uprobe`;
	mkdirSync(`${folder}/format`, {recursive: true});
	writeFileSync(`${folder}/type`, '9\n');
	writeFileSync(`${folder}/format/retprobe`, 'config:3\n');
	t.deepEqual(probeSource('uprobe', root), {type: 9, returnBit: 8n});
	t.throws(() => probeSource('kprobe', root), {
		code: 'ERR_TRACE_EVENT',
		message: /^find kprobes: the kernel has none \(built without CONFIG_KPROBE_EVENTS/,
	});
});

test('a tracepoint has its number in tracefs, wherever that is mounted', async t => {
	const root = await makeTempFolder(t);
	mkdirSync(`${root}/tracing/events/sched/sched_switch`, {recursive: true});
	writeFileSync(`${root}/tracing/events/sched/sched_switch/id`, '321\n');
	const mount = (type: string, path: string) => `30 1 0:7 / ${path} rw - ${type} none rw`;
	t.is(tracepointId('sched', 'sched_switch', mount('tracefs', `${root}/tracing`)), 321);
	t.is(tracepointId('sched', 'sched_switch', mount('debugfs', root)), 321);
	t.throws(() => tracepointId('sched', 'none', mount('debugfs', root)), {
		message: 'find tracepoint "sched/none": the kernel has none of this name',
	});
	t.throws(() => tracepointId('..', 'none', mount('debugfs', root)), {
		message: /a tracepoint is named category\/name$/,
	});
	t.throws(() => tracepointId('sched', 'sched_switch', ''), {
		message:
			/tracefs is not mounted; 'mount -t tracefs tracefs \/sys\/kernel\/tracing' first, or attach to the raw tracepoint "sched_switch"$/,
	});
});
