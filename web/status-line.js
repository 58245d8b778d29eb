// The quiet line at the bottom: how fast results come, how late they are, and who makes them.

import { element, write } from './dom.js';
import { capitalised } from './emotions.js';

const EVERY_MS = 1000;

export class StatusLine {
  #late_ms = null; // the server's part, from the arrival of a picture or sound to the sending of its result
  #roundTrip_ms = null;

  /** @param {?Object<string, {name: string}>} models null where they are not known, and then why */
  showModels(models, why = '') {
    const named = Object.entries(models ?? {}).map(([modality, model]) => `${modality} ${model?.name ?? 'none'}`);
    write(element('models'), models ? `Networks: ${named.join(', ')}` : why);
  }

  /** @param {?number} rate_hz null where nothing comes */
  showRate(rate_hz) {
    write(element('rate'), rate_hz === null ? '' : `${rate_hz.toFixed(1)} results a second`);
  }

  /** The server knows its own part of the latency only; without the way there and back it would be a boast. */
  take(message, rate_hz) {
    this.#late_ms = message.latency_ms ?? this.#late_ms;
    const isKnown = this.#late_ms !== null && this.#roundTrip_ms !== null;
    this.showRate(rate_hz);
    write(element('latency'), isKnown ? `latency ${Math.round(this.#late_ms + this.#roundTrip_ms)} ms` : '');
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
    this.showRate(null);
    write(element('latency'), '');
  }
}
