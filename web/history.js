// All results of one session, in columns of numbers: an hour takes less than a megabyte.

import { EMOTIONS, MODALITIES, UNCERTAIN, calledBy, indexOfGreatest } from './emotions.js';
import { TICK_INTERVAL_MS } from './results.js';

const WIDTH = MODALITIES.length * EMOTIONS.length;
export const BOX = ['x', 'y', 'width', 'height'];
const FIRST_ROOM = 256; // results; doubled whenever it is full
export const LONGEST_GAP_MS = 3 * TICK_INTERVAL_MS; // Two results may be lost on the way; between others further apart nothing is known.

export class History {
  #times = new Float64Array(FIRST_ROOM);
  #scores = new Float32Array(FIRST_ROOM * WIDTH);
  #boxes = new Float32Array(FIRST_ROOM * BOX.length);
  #levels = new Float32Array(FIRST_ROOM);

  /** When the first connection was up, on the clock of `performance.now()`, and of the world. */
  startedAt_ms = performance.now();
  startedOn = new Date();
  length = 0;
  #endedAt_ms = null; // null while results may still come

  /** The session begins now, and not when the browser asked whether it may. */
  begin() {
    if (this.length > 0) return;
    this.startedAt_ms = performance.now();
    this.startedOn = new Date();
  }

  /**
   * Keep a message that arrived at `at_ms`; later ones must not arrive earlier.
   * @param {number} at_ms
   * @param {import('./results.js').EmotionMessage} message
   */
  add(at_ms, message) {
    if (this.length === this.#times.length) this.#grow();
    const row = this.length++;
    this.#times[row] = at_ms;
    this.#levels[row] = message.audio_level;
    BOX.forEach((side, column) => {
      this.#boxes[row * BOX.length + column] = message.face ? message.face.box[side] : NaN;
    });
    MODALITIES.forEach((modality, block) => {
      EMOTIONS.forEach((emotion, column) => {
        const share = message[modality] ? message[modality].probabilities[emotion] : NaN;
        this.#scores[row * WIDTH + block * EMOTIONS.length + column] = share;
      });
    });
  }

  #grow() {
    const doubled = (old) => {
      const wider = new old.constructor(old.length * 2);
      wider.set(old);
      return wider;
    };
    this.#times = doubled(this.#times);
    this.#scores = doubled(this.#scores);
    this.#boxes = doubled(this.#boxes);
    this.#levels = doubled(this.#levels);
  }

  /** The session ends; later nothing comes, even if it is told again. */
  end(at_ms) {
    this.#endedAt_ms ??= at_ms;
  }

  /** When it ended, or the newest result came, on the clock of `performance.now()`. */
  get endedAt_ms() {
    return this.#endedAt_ms ?? (this.length ? this.#times[this.length - 1] : this.startedAt_ms);
  }

  get duration_ms() {
    return this.endedAt_ms - this.startedAt_ms;
  }

  time_ms(row) {
    return this.#times[row];
  }

  level(row) {
    return this.#levels[row];
  }

  /** The face's box as [x, y, width, height], shares of the picture, or null. */
  box(row) {
    const box = this.#boxes.subarray(row * BOX.length, (row + 1) * BOX.length);
    return Number.isNaN(box[0]) ? null : box;
  }

  /** Seven probabilities in the order of EMOTIONS, or null where there was no evidence. */
  scores(row, modality) {
    const start = row * WIDTH + MODALITIES.indexOf(modality) * EMOTIONS.length;
    const scores = this.#scores.subarray(start, start + EMOTIONS.length);
    return Number.isNaN(scores[0]) ? null : scores;
  }

  /** The emotion that led, "uncertain" where its share is too small to name it, or null without evidence. */
  label(row, modality) {
    const scores = this.scores(row, modality);
    if (!scores) return null;
    const best = indexOfGreatest(scores);
    return calledBy(EMOTIONS[best], scores[best]);
  }

  /** The first row that is not earlier than `at_ms`; `length` where all are. */
  rowAt(at_ms) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle] < at_ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * For which share of the time each emotion led a modality, or none did clearly. A result stands for the
   * time since the one before; of a longer gap, for its last part; the first, as in the timeline, for none.
   * @returns {{shares: Object<string, number>, none: number}} shares by emotion and of "uncertain"; `none` is
   *   the time without evidence; all sum to 1
   */
  sharesOf(modality) {
    const led_ms = Object.fromEntries([...EMOTIONS, UNCERTAIN].map((label) => [label, 0]));
    for (let row = 1; row < this.length; row++) {
      const since_ms = this.#times[row] - this.#times[row - 1];
      const label = this.label(row, modality);
      if (label) led_ms[label] += Math.min(since_ms, LONGEST_GAP_MS);
    }
    const shares = Object.entries(led_ms).map(([label, ms]) => [label, this.duration_ms ? ms / this.duration_ms : 0]);
    return {
      shares: Object.fromEntries(shares),
      none: Math.max(0, 1 - shares.reduce((sum, [, share]) => sum + share, 0)),
    };
  }
}
