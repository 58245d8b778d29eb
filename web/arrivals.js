// Says when each result came, so that what was missed and made up for stands where it belongs in the timeline.

const MADE_UP_WITHIN_MS = 1000; // What was missed comes at once when the connection is up again.

export class Arrivals {
  #at_ms = 0; // of the newest
  #sent_ms = null; // the same, by the server's clock
  #upAt_ms = -Infinity;

  /** The connection that was lost is up again; what was missed comes first. */
  resume() {
    this.#upAt_ms = performance.now();
  }

  /**
   * @param {import('./results.js').EmotionMessage} message the next one
   * @returns {number} when it came, or would have come, on the clock of `performance.now()`; never less than before
   */
  at_ms({ time_ms }) {
    const now_ms = performance.now();
    const isMadeUp = this.#sent_ms !== null && now_ms - this.#upAt_ms < MADE_UP_WITHIN_MS;
    const later_ms = Math.max(0, time_ms - this.#sent_ms);
    this.#at_ms = isMadeUp ? Math.min(now_ms, this.#at_ms + later_ms) : now_ms;
    this.#sent_ms = time_ms;
    return this.#at_ms;
  }
}
