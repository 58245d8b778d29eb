// Reads server-sent events by fetch, because the browser's own EventSource sends no Authorization header.

import { Told, lost } from './errors.js';

const SILENCE_LIMIT_S = 40; // The server says something every 15 s, if only that it is there.
const SILENT = `Nothing came from the server for ${SILENCE_LIMIT_S} seconds.`;

/** @typedef {{type: string, data: string, id: string}} StreamEvent `id` is the last that there was until then */

/** Puts events together from text/event-stream, wherever it is cut (HTML standard, section 9.2.6). */
export class EventParser {
  #decoder = new TextDecoder(); // drops a byte order mark, and keeps the bytes of a character that is not complete
  #line = ''; // whose end is still to come
  #isAfterReturn = false; // A \n that comes next ends no line: the \r before it has.
  #type = '';
  #data = [];
  #id = '';

  /**
   * @param {Uint8Array} bytes that came next
   * @returns {StreamEvent[]} those that are complete by them
   */
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    if (this.#isAfterReturn && text.startsWith('\n')) text = text.slice(1);
    this.#isAfterReturn = text.endsWith('\r');
    const lines = (this.#line + text).split(/\r\n|\r|\n/);
    this.#line = lines.pop();
    return lines.map((line) => this.#take(line)).filter(Boolean);
  }

  /** A comment begins with a colon, and so names no field; `retry` is not needed here. */
  #take(line) {
    if (line === '') return this.#dispatch();
    const [field, ...rest] = line.split(':');
    const value = rest.join(':').replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return null;
  }

  #dispatch() {
    const event = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    return isEmpty ? null : event;
  }
}

/**
 * Read events until there are no more.
 * @param {ReadableStream<Uint8Array>} stream
 * @param {(event: StreamEvent) => void} onEvent
 * @throws {Told} the connection was lost, or is silent for so long that it must be
 */
export async function readEvents(stream, onEvent) {
  const reader = stream.getReader();
  const parser = new EventParser();
  for (;;) {
    const piece = reader.read().catch(() => {
      throw lost();
    });
    const { done, value } = await inTime(piece, SILENCE_LIMIT_S * 1000, SILENT);
    if (done) return;
    parser.push(value).forEach(onEvent);
  }
}

/**
 * Wait for something, but not for ever.
 * @template T
 * @param {Promise<T>} coming
 * @param {string} words what is wrong when it does not come
 * @returns {Promise<T>}
 */
export async function inTime(coming, limit_ms, words) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Told(words, { isPassing: true })), limit_ms);
  });
  return Promise.race([coming, late]).finally(() => clearTimeout(timer));
}
