/** Elements as JSON, `{"key":…,"value":…}`; `"values":[…]` for per-CPU maps. */

import {viewOf} from '../../base/bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import {jsonSlack, writeText} from '../../format/codec/json-bytes.js';
import type {BatchReader} from './entries.js';
import type {Batch} from './scan.js';

const pieceSize = 1 << 16;

/** Elements of one map as JSON. */
export class JsonLines {
	/** Elements to a piece. */
	readonly count: number;
	private readonly key: Codec;
	private readonly value: Codec;
	private readonly label: string;
	/** Bytes that a line takes at most; undefined where a codec has only strings. */
	private readonly limit: number | undefined;

	constructor(key: Codec, value: Codec, perCpu: boolean) {
		this.key = key;
		this.value = value;
		this.label = perCpu ? ',"values":' : ',"value":';
		if (key.json !== undefined && value.json !== undefined) {
			this.limit = key.json.limit + value.json.limit + this.label.length + 9;
		}

		this.count = Math.max(1, Math.floor(pieceSize / (this.limit ?? 1024)));
	}

	/** Reads one element's text. */
	get lines(): BatchReader<string> {
		const {limit} = this;
		if (limit === undefined) return this.texts;
		const bytes = Buffer.alloc(limit + jsonSlack);
		return batch => {
			const write = this.writer(batch);
			const words = viewOf(bytes);
			return i => bytes.toString('utf8', 0, write(bytes, words, 0, i));
		};
	}

	/** Reads `count` elements as lines, UTF-8, each with a line feed; what is read is the caller's. */
	get pieces(): BatchReader<Uint8Array> {
		const {count, limit} = this;
		return batch => {
			const write = limit === undefined ? undefined : this.writer(batch);
			const text = limit === undefined ? this.texts(batch) : undefined;
			return piece => {
				const first = piece * count;
				const last = Math.min(first + count, batch.count);
				if (write === undefined || limit === undefined) {
					let lines = '';
					for (let i = first; i < last; i++) lines += `${text?.(i) ?? ''}\n`;
					return Buffer.from(lines);
				}

				const bytes = Buffer.allocUnsafeSlow((last - first) * limit + jsonSlack);
				const words = viewOf(bytes);
				let end = 0;
				for (let i = first; i < last; i++) {
					end = write(bytes, words, end, i);
					bytes[end++] = 10;
				}

				return bytes.subarray(0, end);
			};
		};
	}

	private writer({keys, values, keySize, valueStride}: Batch) {
		const {key, value, label} = this;
		const [keyJson, valueJson] = [key.json, value.json];
		if (keyJson === undefined || valueJson === undefined) throw new TypeError('no writers');
		const keyView = viewOf(keys);
		const valueView = viewOf(values);
		return (bytes: Buffer, words: DataView, at: number, i: number): number => {
			let end = writeText(bytes, at, '{"key":');
			end = keyJson.write(keyView, i * keySize, bytes, words, end);
			end = writeText(bytes, end, label);
			end = valueJson.write(valueView, i * valueStride, bytes, words, end);
			bytes[end] = 125;
			return end + 1;
		};
	}

	private readonly texts: BatchReader<string> = ({keys, values, keySize, valueStride}) => {
		const {key, value, label} = this;
		const keyView = viewOf(keys);
		const valueView = viewOf(values);
		return i => {
			const keyText = key.toJson(keyView, i * keySize);
			return `{"key":${keyText}${label}${value.toJson(valueView, i * valueStride)}}`;
		};
	};
}
