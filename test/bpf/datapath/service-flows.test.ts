/** A client's choice of a backend is kept, for a flow and where that is wished for the client. */

import {exactly} from './nat-packets.js';
import type {GuardedNode} from './guarded-node.js';
import {arrived, at, flow, served} from './service-packets.js';
import {installService, type TestService} from './services.js';
import type {Family} from './people.js';
import {egress, table, type TableLine, type TableSettings} from './table.js';

const services: TableSettings = {services: {}};

function remembered(f: Family): TableLine[] {
	const {toService, toBackend} = flow(f);
	const toBlue = {goes: 'peer', out: exactly(arrived(f, toBackend()))} as const;
	const toWorld = (flags?: string) =>
		({goes: 'stack', out: exactly(toBackend(flags, 'world'))}) as const;
	const becomes = (service: TestService) => ({
		meanwhile: (node: GuardedNode) => {
			installService(node, f, service);
		},
	});
	const moved: TestService = {
		backends: [
			{id: 2, at: 'world'},
			{id: 1, at: 'blue', noSlot: true},
		],
	};
	const leaving = (state: 'active' | 'terminating' | 'quarantined' | 'maintenance') =>
		becomes({
			backends: [
				{id: 2, at: 'world'},
				{id: 1, at: 'blue', noSlot: true, state},
			],
		});
	const first = {...at(f, served), given: [toService('S')]};
	const ended = {...at(f, served), given: [toService('S'), toService(), toService('FA')]};
	const age = (seconds: number) => (node: GuardedNode) => {
		installService(node, f, moved);
		const flows = node.maps.require(f.tcpFlows);
		for (const [key, entry] of [...flows.entries()]) {
			if (key.flags !== 4) continue;
			flows.set(key, {...entry, last_tx_report: entry.last_tx_report - seconds});
		}
	};

	return [
		{
			name: 'a flow keeps its backend when others are chosen',
			...{...first, ...becomes(moved), packet: toService(), ...toBlue},
		},
		...(['terminating', 'quarantined', 'maintenance'] as const).flatMap(state => [
			{
				name: `a connection stays with a backend that is ${state}`,
				...{...first, ...leaving(state), packet: toService(), ...toBlue},
			},
			{
				name: `its ports' next one leaves a backend that is ${state}`,
				...{...first, ...leaving(state), packet: toService('S'), ...toWorld('S')},
			},
		]),
		{
			name: 'a connection whose backend is gone gets another one',
			...{...first, packet: toService(), ...toWorld()},
			meanwhile: node => {
				installService(node, f, {backends: [{id: 2, at: 'world'}]});
				node.maps.require(f.is6 ? 'backends6' : 'backends4').delete(1);
			},
		},
		{
			name: 'without one it is dropped',
			...{...first, packet: toService(), drop: [158, egress]},
			meanwhile: node => {
				installService(node, f, {});
				node.maps.require(f.is6 ? 'backends6' : 'backends4').delete(1);
			},
		},
		{
			name: 'a service with another number has not been chosen from',
			...{...first, ...becomes({...moved, id: 8}), packet: toService(), ...toWorld()},
		},
		{
			name: 'ports that are used again soon come to the same backend',
			...{...ended, ...becomes(moved), packet: toService('S')},
			...{goes: 'peer', out: exactly(arrived(f, toBackend('S')))},
		},
		{
			name: 'after a minute they come to any',
			...{...ended, meanwhile: age(61), packet: toService('S'), ...toWorld('S')},
		},
		{
			name: 'a connection that is open keeps its backend for longer',
			...{...first, meanwhile: age(61), packet: toService(), ...toBlue},
		},
		{
			name: 'an end is kept for ten seconds',
			...{...first, given: [toService('S'), toService()]},
			...{packet: toService('FA'), goes: 'peer'},
		},
	];
}

function affine(f: Family): TableLine[] {
	const {toService, toBackend} = flow(f);
	const client: TestService = {...served, affinity: 100, flags: ['affinity']};
	const later = toService('S', 40_001);
	const asBlue = f.tcp({to: 'blue', sourcePort: 40_001, destinationPort: 8080, flags: 'S'});
	const asWorld = f.tcp({to: 'world', sourcePort: 40_001, destinationPort: 8080, flags: 'S'});
	const moved: TestService = {
		...{affinity: 100, flags: ['affinity']},
		backends: [
			{id: 2, at: 'world'},
			{id: 1, at: 'blue', noSlot: true},
		],
	};
	const affinity = f.is6 ? 'affinity6' : 'affinity4';
	const given = {...at(f, client), given: [toService('S')], packet: later};
	const toWorld = {goes: 'stack', out: exactly(asWorld)} as const;
	const move = (service: TestService) => (node: GuardedNode) => {
		installService(node, f, service);
	};
	return [
		{
			name: "a client's backend is remembered",
			...{...at(f, client), packet: toService('S'), goes: 'peer'},
			maps: {
				[affinity]: [
					{
						key: {client: f.address.red, rev_nat_id: 7},
						before: undefined,
						after: {backend_id: 1},
					},
				],
			},
		},
		{
			name: 'its next connection has the same backend',
			...{...given, meanwhile: move(moved), goes: 'peer', out: exactly(arrived(f, asBlue))},
		},
		{
			name: 'not so without affinity',
			...{...given, meanwhile: move({...moved, flags: []}), ...toWorld},
		},
		{
			name: 'nor when too much time went by',
			...{...given, ...toWorld},
			meanwhile: node => {
				move(moved)(node);
				const map = node.maps.require(affinity);
				for (const [key, value] of [...map.entries()]) {
					map.set(key, {...value, last_used: value.last_used - 100n});
				}
			},
		},
		{
			name: 'nor when the service has the backend no more',
			...{...given, ...toWorld},
			meanwhile: node => {
				move(moved)(node);
				node.maps.require('affinityMatch').delete({backend_id: 1, rev_nat_id: 7});
			},
		},
		{
			name: 'nor when the backend is to have no new connections',
			...{...given, ...toWorld},
			meanwhile: move({
				...moved,
				backends: [
					{id: 2, at: 'world'},
					{id: 1, at: 'blue', noSlot: true, state: 'terminating'},
				],
			}),
		},
		{
			name: 'a connection that stays with a backend leaves the next one to another',
			...{...at(f, client), given: [toService('S')]},
			...{packet: toService(), goes: 'peer', out: exactly(arrived(f, toBackend()))},
			meanwhile: node => {
				move({
					...moved,
					backends: [
						{id: 2, at: 'world'},
						{id: 1, at: 'blue', noSlot: true, state: 'terminating'},
					],
				})(node);
				const map = node.maps.require(affinity);
				for (const [key, value] of [...map.entries()]) {
					map.set(key, {...value, backend_id: 2});
				}
			},
			maps: {[affinity]: []},
		},
		{
			name: 'each packet of the connection counts as use',
			...{...at(f, client), given: [toService('S')]},
			...{packet: toService(), goes: 'peer', out: exactly(arrived(f, toBackend()))},
			meanwhile: node => {
				const map = node.maps.require(affinity);
				for (const [key, value] of [...map.entries()]) {
					map.set(key, {...value, last_used: value.last_used - 10n});
				}
			},
			maps: {
				[affinity]: [{key: {client: f.address.red}, after: {backend_id: 1}}],
			},
		},
	];
}

table('from_endpoint', remembered, services);
table('from_endpoint', affine, services);
