// The timeline that people watch and touch: moves with time, stands still on demand, tells its values.

import { EMOTIONS, capitalised, percent } from './emotions.js';
import { drawTimeline, paletteOf, timeWords } from './timeline-drawing.js';

const SPAN_MS = 60_000;
// Results come every half second. Drawn this much later, the newest is already there when its place
// comes into view, so that the curve moves in evenly instead of leaping.
const DELAY_MS = 700;
const NEAR_MS = 1000; // A result further from the pointer than this is not what is pointed at.
const KEY_STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

/** A canvas with a readout below it, for one stretch of one history at a time. */
export class Timeline {
  #canvas;
  #context;
  #readout;
  #palette;
  #size = { width: 0, height: 0 };
  #history = null;
  #stretch = { from_ms: 0, to_ms: 1, zero_ms: 0 };
  #written = null;
  #pointed = null; // {x} where the pointer is, or {at_ms} of the result that a key chose

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} readout where the values under the pointer are written
   */
  constructor(canvas, readout) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    this.#readout = readout;
    this.#palette = paletteOf(canvas);
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#palette = paletteOf(canvas);
      this.draw();
    });
    canvas.addEventListener('pointermove', (event) => this.#point({ x: event.offsetX }));
    canvas.addEventListener('pointerleave', () => this.#point(null));
    canvas.addEventListener('blur', () => this.#point(null));
    canvas.addEventListener('keydown', (event) => this.#step(event));
  }

  /** Show all of a history. */
  showAll(history) {
    const last_ms = history.length ? history.time_ms(history.length - 1) : history.startedAt_ms + 1;
    this.#show(history, { from_ms: history.startedAt_ms, to_ms: last_ms });
  }

  /** Show the last minute as it was at `now_ms`. */
  showLastMinute(history, now_ms) {
    const to_ms = now_ms - DELAY_MS;
    this.#show(history, { from_ms: to_ms - SPAN_MS, to_ms });
  }

  #show(history, { from_ms, to_ms }) {
    this.#history = history;
    this.#stretch = { from_ms, to_ms, zero_ms: history.startedAt_ms };
    this.draw();
  }

  draw() {
    if (!this.#history || this.#size.width === 0) return;
    drawTimeline(this.#context, this.#size, this.#history, this.#stretch, this.#palette);
    const row = this.#rowPointedAt();
    if (row !== null) this.#drawCursor(this.#history.time_ms(row));
    this.#write(row);
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = devicePixelRatio || 1;
    this.#size = { width, height };
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw();
  }

  #point(pointed) {
    this.#pointed = pointed;
    this.draw();
  }

  /** Move from result to result; the first key points at the newest. */
  #step(event) {
    const history = this.#history;
    const leap = { Home: -Infinity, End: Infinity, Escape: NaN }[event.key] ?? KEY_STEPS[event.key];
    if (leap === undefined || !history?.length) return;
    event.preventDefault();
    if (Number.isNaN(leap)) return this.#point(null);
    const first = history.rowAt(this.#stretch.from_ms);
    const last = Math.max(0, history.rowAt(this.#stretch.to_ms + 1) - 1);
    const pointed = this.#rowPointedAt();
    const row = pointed === null ? last : Math.min(last, Math.max(first, pointed + leap));
    this.#point({ at_ms: history.time_ms(row) });
  }

  #rowPointedAt() {
    const history = this.#history;
    if (!this.#pointed || !history?.length) return null;
    const { from_ms, to_ms } = this.#stretch;
    const at_ms = this.#pointed.at_ms ?? from_ms + (this.#pointed.x / this.#size.width) * (to_ms - from_ms);
    const after = Math.min(history.rowAt(at_ms), history.length - 1);
    const distance = (row) => Math.abs(history.time_ms(row) - at_ms);
    const row = after > 0 && distance(after - 1) < distance(after) ? after - 1 : after;
    return distance(row) <= NEAR_MS ? row : null;
  }

  #drawCursor(at_ms) {
    const { from_ms, to_ms } = this.#stretch;
    const x = ((at_ms - from_ms) / (to_ms - from_ms)) * this.#size.width;
    this.#context.fillStyle = this.#palette.ink;
    this.#context.fillRect(x - 0.75, 0, 1.5, this.#size.height - 18);
  }

  #write(row) {
    const words = row === null ? '' : valuesInWords(this.#history, row);
    if (this.#written === words) return;
    this.#written = words;
    this.#readout.textContent = words;
    this.#canvas.ariaValueText = words || 'Arrow keys go from result to result';
    this.#canvas.ariaValueNow = String(row ?? this.#canvas.ariaValueMax);
  }
}

/** "0:12 · Fused: Happy 71 %, Neutral 12 %, … · Voice: Sad 40 % · Face: none" */
function valuesInWords(history, row) {
  const time = timeWords((history.time_ms(row) - history.startedAt_ms) / 1000);
  const fused = ranked(history.scores(row, 'fused'), 3);
  const rest = ['voice', 'face'].map((name) => `${capitalised(name)}: ${ranked(history.scores(row, name), 1)}`);
  return [time, `Fused: ${fused}`, ...rest].join(' · ');
}

function ranked(scores, count) {
  if (!scores) return 'nothing';
  const order = EMOTIONS.map((_, index) => index).sort((a, b) => scores[b] - scores[a]);
  return order
    .slice(0, count)
    .map((index) => `${capitalised(EMOTIONS[index])} ${percent(scores[index])}`)
    .join(', ');
}

/** The timeline of the running session: drawn once per painted frame, unless it is paused. */
export class LiveTimeline {
  #timeline = new Timeline(document.getElementById('timeline'), document.getElementById('readout'));
  #pause = document.getElementById('pause');
  #frame = 0;
  #isPaused = false;

  constructor() {
    this.#pause.addEventListener('click', () => this.#setPaused(!this.#isPaused));
  }

  start(history) {
    this.#setPaused(false);
    cancelAnimationFrame(this.#frame);
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)'); // then it moves with the results only
    let drawn = -1;
    const step = () => {
      const isDue = !isCalm.matches || drawn !== history.length;
      if (isDue && !this.#isPaused) this.#timeline.showLastMinute(history, performance.now());
      drawn = history.length;
      this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
  }

  #setPaused(isPaused) {
    this.#isPaused = isPaused;
    this.#pause.ariaPressed = String(isPaused);
  }
}
