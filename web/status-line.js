// The quiet line at the bottom: how fast results come, how late they are, and who makes them.

import { capitalised } from './emotions.js';
import { write } from './view.js';

const EVERY_MS = 1000;

const element = (id) => document.getElementById(id);

export class StatusLine {
  #late_ms = null; // the server's part, from the arrival of a picture to the sending of its result
  #roundTrip_ms = null;
  #from = 'picture';

  /** @param {?Object<string, {name: string}>} models null where the server cannot be reached */
  showModels(models) {
    const named = Object.entries(models ?? {}).map(([modality, model]) => `${modality} ${model?.name ?? 'none'}`);
    write(element('models'), models ? `Networks: ${named.join(', ')}` : 'The server cannot be reached at the moment.');
  }

  /** Take what a result says. */
  take(message, rate_hz) {
    this.#late_ms = message.latency_ms ?? this.#late_ms;
    if (message.latency_ms !== null) this.#from = message.face ? 'picture' : 'sound';
    write(element('rate'), `${rate_hz.toFixed(1)} results a second`);
    const latency_ms = this.#late_ms === null ? null : this.#late_ms + (this.#roundTrip_ms ?? 0);
    write(element('latency'), latency_ms === null ? '' : `${Math.round(latency_ms)} ms from ${this.#from} to result`);
  }

  /** @param {{voice: string, face: string}} off why a modality is off, or empty */
  showOff(off) {
    const words = Object.entries(off).filter(([, why]) => why).map(([modality, why]) => `${capitalised(modality)} is off: ${why.toLowerCase()}`);
    write(element('off'), words.join(' · '));
  }

  /**
   * Ask again and again how long the way to the server is, until the signal aborts.
   * @param {import('./peer.js').Link} link
   */
  follow(link, signal) {
    const ask = async () => {
      const roundTrip_ms = await link.roundTrip_ms().catch(() => null);
      if (!signal.aborted) this.#roundTrip_ms = roundTrip_ms;
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  /** Forget how fast and how late results were. */
  clear() {
    this.#late_ms = this.#roundTrip_ms = null;
    for (const id of ['rate', 'latency']) write(element(id), '');
  }
}
