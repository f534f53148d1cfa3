/** Requests to rtnetlink and what it answers. */

import {constants} from 'node:os';

import {alignUp, hostLittleEndian, viewOf} from '../../base/bytes.js';
import {errorAttributes, messageFlags, messageTypes} from '../../uapi/rtnetlink.js';
import {addon} from '../sys/addon.js';
import {Attributes} from './attributes.js';
import {NetlinkError} from './netlink-error.js';

const {EBADMSG, EINTR} = constants.errno;
const headerSize = 16;
const errorSize = headerSize + 4;
const maxAttempts = 10;

export interface Request {
	/** What is wanted, for the error: `get link 3`. */
	readonly what: string;
	readonly type: number;
	/** `NLM_F_*` beside those that every request has. */
	readonly flags?: number;
	/** The fixed part and the attributes. */
	readonly parts: readonly Uint8Array[];
	/** Descriptor of a network namespace; that of this process unless given. */
	readonly netns?: number | undefined;
}

/** One message of an answer, without its header. */
export interface Message {
	readonly type: number;
	readonly payload: Uint8Array;
}

/** Asks for one thing, or for one change. *Throws:* `ERR_NETLINK`. */
export function exchange(request: Request): Message[] {
	return readAnswer(request, send(request, messageFlags.ack)).messages;
}

/**
 * Asks for a list, again when it changed while the kernel wrote it; after ten times the last is
 * taken as it is. *Throws:* `ERR_NETLINK`.
 */
export function dump(request: Request): Message[] {
	for (let attempt = 1; ; attempt++) {
		const {messages, interrupted} = readAnswer(request, send(request, messageFlags.dump));
		if (!interrupted || attempt === maxAttempts) return messages;
	}
}

/** A change without the namespace that it is asked of. */
export interface Change extends Omit<Request, 'netns'> {
	/** What a kernel may have been built without, and then refuses: `netem (CONFIG_…)`. */
	readonly needs?: string;
}

/** The acknowledgements of more might not fit into a socket's buffer. */
const maxBatch = 64;

/**
 * Asks for many changes of one namespace, in order and in few calls. *Throws:* `ERR_NETLINK` of the
 * first that is refused; those after it may have been made.
 */
export function exchangeAll(changes: readonly Change[], netns?: number): void {
	for (let start = 0; start < changes.length; start += maxBatch) {
		const batch = changes.slice(start, start + maxBatch);
		const bytes = batch.map((change, i) => encode(change, messageFlags.ack, i));
		const what = batch[0]?.what ?? '';
		readAcknowledgements(batch, sendBytes(what, Buffer.concat(bytes), netns));
	}
}

function readAcknowledgements(batch: readonly Change[], reply: Uint8Array): void {
	const view = viewOf(reply);
	for (let at = 0; at + headerSize <= reply.length;) {
		const length = view.getUint32(at, hostLittleEndian);
		if (length < headerSize || at + length > reply.length) break;
		const type = view.getUint16(at + 4, hostLittleEndian);
		const flags = view.getUint16(at + 6, hostLittleEndian);
		const what = batch[view.getUint32(at + 8, hostLittleEndian)]?.what ?? '';
		if (type === messageTypes.error) {
			throwRefusal(what, reply.subarray(at, at + length), type, flags);
		}

		at += alignUp(length, 4);
	}
}

function send(request: Request, flags: number): Uint8Array {
	return sendBytes(request.what, encode(request, flags, 0), request.netns);
}

function encode(request: Change, flags: number, sequence: number): Uint8Array {
	const body = Buffer.concat(request.parts);
	const bytes = new Uint8Array(headerSize + body.length);
	const view = viewOf(bytes);
	view.setUint32(0, bytes.length, hostLittleEndian);
	view.setUint16(4, request.type, hostLittleEndian);
	view.setUint16(6, messageFlags.request | flags | (request.flags ?? 0), hostLittleEndian);
	view.setUint32(8, sequence, hostLittleEndian);
	bytes.set(body, headerSize);
	return bytes;
}

function sendBytes(what: string, bytes: Uint8Array, netns = -1): Uint8Array {
	for (;;) {
		const reply = addon.netlink(bytes, netns);
		if (typeof reply !== 'number') return reply;
		if (reply !== -EINTR) throw new NetlinkError(what, -reply);
	}
}

/** The messages of an answer. *Throws:* `ERR_NETLINK` when it is a refusal. */
export function readAnswer(
	request: Pick<Request, 'what'>,
	reply: Uint8Array,
): {messages: Message[]; interrupted: boolean} {
	const messages: Message[] = [];
	const view = viewOf(reply);
	let interrupted = false;
	for (let at = 0; at + headerSize <= reply.length;) {
		const length = view.getUint32(at, hostLittleEndian);
		const type = view.getUint16(at + 4, hostLittleEndian);
		const flags = view.getUint16(at + 6, hostLittleEndian);
		if (length < headerSize || at + length > reply.length) break;
		interrupted ||= (flags & messageFlags.dump_interrupted) !== 0;
		const message = reply.subarray(at, at + length);
		if (type === messageTypes.error || type === messageTypes.done) {
			throwRefusal(request.what, message, type, flags);
			return {messages, interrupted};
		}

		messages.push({type, payload: message.subarray(headerSize)});
		at += alignUp(length, 4);
	}

	throw new NetlinkError(request.what, EBADMSG);
}

function throwRefusal(what: string, message: Uint8Array, type: number, flags: number): void {
	if (message.length < errorSize) return;
	const view = viewOf(message);
	const errno = -view.getInt32(headerSize, hostLittleEndian);
	if (errno <= 0) return;
	let start = errorSize;
	if (type === messageTypes.error) {
		// The request's header follows, and where the kernel does not cap it, the rest of it.
		const echoed =
			message.length < errorSize + headerSize
				? 0
				: view.getUint32(errorSize, hostLittleEndian);
		start += (flags & messageFlags.capped) === 0 ? alignUp(echoed, 4) : headerSize;
	}

	const hasText = (flags & messageFlags.ack_tlvs) !== 0;
	const attributes = new Attributes(hasText ? message.subarray(start) : new Uint8Array(0));
	throw new NetlinkError(what, errno, attributes.text(errorAttributes.message)?.trim());
}
