/** A packet field by field. */

import {hex} from '../../base/bytes.js';
import type {Layer} from './layers.js';
import {protocolName} from './numbers.js';
import {etherTypeText, hexOf} from './summary.js';

/** A heading for each layer, and its fields below. */
export function formatLayers(layers: readonly Layer[]): string {
	return layers.map(layer => formatLayer(layer).join('\n')).join('\n');
}

/** A heading, and a line for each field, or several. */
export function formatLayer(layer: Layer): string[] {
	const fields = Object.entries(layer as object as Readonly<Record<string, unknown>>).filter(
		([field, value]) => field !== 'layer' && field !== 'wrong' && value !== undefined,
	);
	const width = Math.max(0, ...fields.map(([field]) => field.length));
	const wrong = ('wrong' in layer ? layer.wrong : undefined) as
		Readonly<Record<string, number>> | undefined;
	const lines = fields.flatMap(([field, value]) =>
		fieldLines(field, value, width, wrong?.[field]),
	);
	return [layer.layer, ...lines];
}

/** A field whose name takes `width` columns; `right` is what it should be, where it is wrong. */
export function fieldLines(
	field: string,
	value: unknown,
	width: number,
	right: number | undefined,
): string[] {
	const note = right === undefined ? '' : ` (wrong, not ${valueText(field, right)})`;
	const [first = '', ...more] = `${valueText(field, value)}${note}`.split('\n');
	const indent = ' '.repeat(width + 4);
	return [`  ${field.padEnd(width)}  ${first}`, ...more.map(line => indent + line)];
}

/** A field's value as people read it. */
export function valueText(field: string, value: unknown): string {
	if (value instanceof Uint8Array) return dump(value);
	if (Array.isArray(value)) {
		return value.length === 0 ? 'none' : value.map(one => valueText('', one)).join('\n');
	}

	if (typeof value === 'number') return numberText(field, value);
	if (typeof value === 'boolean') return value ? 'yes' : 'no';
	if (typeof value !== 'object' || value === null) return String(value);
	if ('layers' in value && 'bytes' in value) return formatLayers(value.layers as Layer[]);
	return Object.entries(value)
		.map(([key, one]) => (key === 'kind' ? String(one) : `${key} ${flatText(key, one)}`))
		.join(' ');
}

function flatText(field: string, value: unknown): string {
	if (value instanceof Uint8Array) return value.length === 0 ? 'none' : hex(value);
	if (Array.isArray(value)) {
		return value.map(one => (Array.isArray(one) ? one.join('-') : String(one))).join(',');
	}

	return valueText(field, value);
}

function numberText(field: string, value: number): string {
	if (field === 'etherType') return etherTypeText(value);
	if (field === 'tag' && value <= 0xffff) return hexOf(value, 4);
	if (field === 'checksum') return hexOf(value, value > 0xffff ? 8 : 4);
	const isProtocol = field === 'nextHeader' || (field === 'protocol' && value < 256);
	const name = isProtocol ? protocolName(value) : undefined;
	return name === undefined ? String(value) : `${value} ${name}`;
}

/** Sixteen bytes a line, with the characters that they are. */
function dump(bytes: Uint8Array): string {
	if (bytes.length === 0) return 'none';
	const lines = [];
	for (let at = 0; at < bytes.length; at += 16) {
		const line = bytes.subarray(at, at + 16);
		const text = Array.from(line, byte =>
			byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
		).join('');
		lines.push(`${hexOf(at, 4).slice(2)}  ${hex(line).padEnd(47)}  ${text}`);
	}

	return lines.join('\n');
}
