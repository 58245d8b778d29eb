// The voice weight and the smoothing lengths: asks the server for a change until it answers.

import { VERSION } from './results.js';

const FIELDS = ['w_voice', 'voice_smooth_k', 'face_smooth_k'];
const AGAIN_MS = 700; // The channel may lose a message; the server may take its time.
const MOST_TRIES = 6;

/**
 * Keeps what the person wants and what the server says is in force.
 *
 * What was wanted before is wanted from a new connection too, unless the server has refused it.
 */
export class Settings {
  #send = null;
  #wanted = {};
  #accepted = {}; // what was wanted, and not refused
  #id = 0;
  #tries = 0;
  #timer;
  #onApplied;
  #onRefused;

  /** What the server says is in force, or null before it has. */
  inForce = null;

  /**
   * @param {{onApplied: (message: object, wasWanted: boolean) => void, onRefused: (reason: string) => void}} reports
   */
  constructor({ onApplied, onRefused }) {
    this.#onApplied = onApplied;
    this.#onRefused = onRefused;
  }

  get isConnected() {
    return this.#send !== null;
  }

  /** Begin with a connection: ask what is in force there, and for what was wanted before. */
  connect(send) {
    this.#send = send;
    this.#ask();
  }

  /** Forget what was in force: the next session is another one. What is wanted stays. */
  forget() {
    this.inForce = null;
  }

  disconnect() {
    this.#send = null;
    clearTimeout(this.#timer);
  }

  /** @param {Object<string, number>} change of one or more of the fields */
  change(change) {
    Object.assign(this.#wanted, change);
    if (this.#send) this.#ask();
  }

  /** Take a message of type `settings` or `refusal`. */
  take(message) {
    if (message.id !== this.#id) return this.#takeLate(message);
    clearTimeout(this.#timer);
    if (message.type === 'refusal') {
      const isNews = JSON.stringify(this.#wanted) !== JSON.stringify(this.#accepted);
      const hadWishes = Object.keys(this.#wanted).length > 0;
      this.#wanted = isNews ? { ...this.#accepted } : {};
      this.#accepted = { ...this.#wanted };
      this.#onRefused(`Not applied: ${message.reason}.`);
      if (hadWishes) this.#ask(); // to show what is in force instead
      return;
    }
    this.#accepted = { ...this.#wanted };
    this.inForce = Object.fromEntries(FIELDS.map((name) => [name, message[name]]));
    this.#onApplied(message, Object.keys(this.#wanted).length > 0);
  }

  /** The channel is unordered: an earlier question that came late may have undone a later one. */
  #takeLate(message) {
    const isUndone = message.type === 'settings' && FIELDS.some((name) => (this.#wanted[name] ?? message[name]) !== message[name]);
    if (isUndone && this.#send) this.#ask();
  }

  #ask() {
    this.#id++;
    this.#tries = 0;
    this.#try();
  }

  #try() {
    clearTimeout(this.#timer);
    if (this.#tries++ === MOST_TRIES) return this.#onRefused('The server does not answer; it is not known what is in force.');
    this.#send(JSON.stringify({ version: VERSION, type: 'settings', id: this.#id, ...this.#wanted }));
    this.#timer = setTimeout(() => this.#try(), AGAIN_MS);
  }
}
