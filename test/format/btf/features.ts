import type {Btf} from '../../../src/format/btf/btf.js';
import {Types} from './types.js';

/** Valid types of every kind that kernels came to know one after the other. */
export function everyFeature(): Btf {
	const types = new Types();
	const {u8, u32} = types;
	const add = types.add.bind(types);
	add({kind: 'float', name: 'double', size: 8});
	add({kind: 'enum64', name: 'wide', size: 8, signed: false, values: [{name: 'W', value: 1n}]});
	add({kind: 'enum', name: 'signed', size: 4, signed: true, values: [{name: 'S', value: -1}]});
	const tag = add({kind: 'type_tag', name: 'user', typeId: u8});
	const other = add({kind: 'type_tag', name: 'attribute', typeId: u8, attribute: true});
	add({kind: 'ptr', name: '', typeId: tag});
	add({kind: 'ptr', name: '', typeId: other});
	const struct = types.struct('tagged', 4, [['number', u32, 0]]);
	const on = {typeId: struct, componentIndex: -1};
	add({kind: 'decl_tag', name: 'tag', ...on});
	add({kind: 'decl_tag', name: 'attribute', ...on, attribute: true});
	const parameters = [{name: 'argument', typeId: u32}];
	const proto = add({kind: 'func_proto', name: '', returnTypeId: u32, parameters});
	add({kind: 'func', name: 'global', typeId: proto, linkage: 'global'});
	add({kind: 'func', name: 'hidden', typeId: proto, linkage: 'static'});
	const variable = add({kind: 'var', name: 'variable', typeId: u32, linkage: 'global'});
	const variables = [{typeId: variable, offset: 0, size: 4}];
	add({kind: 'datasec', name: '.data', size: 4, variables});
	add({kind: 'datasec', name: '?.optional', size: 4, variables});
	return types.parse();
}
