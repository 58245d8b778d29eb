// All results of one session, in columns of numbers: an hour takes less than a megabyte.

import { EMOTIONS, MODALITIES, indexOfGreatest } from './emotions.js';

const WIDTH = MODALITIES.length * EMOTIONS.length;
const BOX = ['x', 'y', 'width', 'height'];
const FIRST_ROOM = 256; // results; doubled whenever it is full

export class History {
  #times = new Float64Array(FIRST_ROOM);
  #scores = new Float32Array(FIRST_ROOM * WIDTH);
  #boxes = new Float32Array(FIRST_ROOM * BOX.length);
  #levels = new Float32Array(FIRST_ROOM);

  /** When the session began, on the clock of `performance.now()`, and of the world. */
  startedAt_ms = performance.now();
  startedOn = new Date();
  length = 0;

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

  label(row, modality) {
    const scores = this.scores(row, modality);
    return scores && EMOTIONS[indexOfGreatest(scores)];
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
   * For how much of the results each emotion led a modality, and how many had no evidence.
   * @returns {{shares: Object<string, number>, none: number}} shares of all results, which sum to 1
   */
  sharesOf(modality) {
    const counts = Object.fromEntries(EMOTIONS.map((emotion) => [emotion, 0]));
    let none = 0;
    for (let row = 0; row < this.length; row++) {
      const label = this.label(row, modality);
      if (label) counts[label]++;
      else none++;
    }
    const share = (count) => (this.length ? count / this.length : 0);
    return {
      shares: Object.fromEntries(EMOTIONS.map((emotion) => [emotion, share(counts[emotion])])),
      none: share(none),
    };
  }
}
