// The timeline that people watch and touch: moves with time, stands still on demand, tells its values.

import { element, write } from './dom.js';
import { valuesInWords } from './reading.js';
import { TICK_INTERVAL_MS } from './results.js';
import { drawTimeline, paletteOf } from './timeline-drawing.js';

const SPAN_MS = 60_000;
// Drawn this much later, the newest result is already there when its place comes into view, even if
// it was a little late, so that the curve moves in evenly instead of leaping.
const DELAY_MS = TICK_INTERVAL_MS + 200;
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
  #stretch = { from_ms: 0, to_ms: 1, zero_ms: 0, spoken_ms: 0 };
  #hovered_x = null; // where the mouse is; what it leaves is forgotten
  #chosen_ms = null; // when the result came that a key, a tap or a click chose; it stays chosen

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
    canvas.addEventListener('pointerdown', ({ offsetX }) => this.#chooseAt(offsetX));
    canvas.addEventListener('pointermove', ({ offsetX, pointerType }) => (pointerType === 'mouse' ? this.#hover(offsetX) : this.#chooseAt(offsetX)));
    canvas.addEventListener('pointerleave', () => this.#hover(null));
    canvas.addEventListener('blur', () => this.#choose(null));
    canvas.addEventListener('keydown', (event) => this.#step(event));
  }

  /** From the first connection until Stop, also where nothing came for a while. */
  showAll(history) {
    const from_ms = history.startedAt_ms;
    this.#show(history, { from_ms, to_ms: from_ms + Math.max(1, history.duration_ms), zero_ms: from_ms, spoken_ms: from_ms });
  }

  /** The right edge counts as now, although results are drawn there a little later. */
  showLastMinute(history, now_ms) {
    const to_ms = now_ms - DELAY_MS;
    this.#show(history, { from_ms: to_ms - SPAN_MS, to_ms, zero_ms: history.startedAt_ms, spoken_ms: to_ms });
  }

  /**
   * @param {object} stretch as `drawTimeline` takes it
   * @param {number} stretch.spoken_ms what counts as 0 where the place is told to a screen reader
   */
  #show(history, stretch) {
    if (history !== this.#history) this.#hovered_x = this.#chosen_ms = null; // They were places in another session.
    this.#history = history;
    this.#stretch = stretch;
    this.draw();
  }

  draw() {
    if (!this.#history || this.#size.width === 0) return;
    drawTimeline(this.#context, this.#size, this.#history, this.#stretch, this.#palette);
    const row = this.#rowPointedAt();
    if (row !== null) this.#drawCursor(this.#history.time_ms(row));
    write(this.#readout, row === null ? '' : valuesInWords(this.#history, row));
    this.#speak(row);
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

  #hover(x) {
    this.#hovered_x = x;
    this.draw();
  }

  #chooseAt(x) {
    const row = this.#history && this.#rowNear(this.#timeAt(x));
    this.#choose(row ?? null);
  }

  #choose(row) {
    this.#chosen_ms = row === null ? null : this.#history.time_ms(row);
    this.#hovered_x = null; // until the mouse moves again, the newer choice counts
    this.draw();
  }

  /** Move from result to result; the first key chooses the newest. */
  #step(event) {
    const history = this.#history;
    const leap = { Home: -Infinity, End: Infinity, Escape: NaN }[event.key] ?? KEY_STEPS[event.key];
    if (leap === undefined || !history?.length) return;
    event.preventDefault();
    if (Number.isNaN(leap)) return this.#choose(null);
    const first = history.rowAt(this.#stretch.from_ms);
    const last = Math.max(0, history.rowAt(this.#stretch.to_ms + 1) - 1);
    const pointed = this.#rowPointedAt();
    const row = pointed === null ? last : Math.min(last, Math.max(first, pointed + leap));
    this.#choose(row);
  }

  #timeAt(x) {
    const { from_ms, to_ms } = this.#stretch;
    return from_ms + (x / this.#size.width) * (to_ms - from_ms);
  }

  #rowPointedAt() {
    if (this.#hovered_x !== null) return this.#rowNear(this.#timeAt(this.#hovered_x));
    const isGone = this.#chosen_ms === null || this.#chosen_ms < this.#stretch.from_ms;
    return isGone ? null : this.#rowNear(this.#chosen_ms);
  }

  #rowNear(at_ms) {
    const history = this.#history;
    if (!history.length) return null;
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

  /** As a slider of whole seconds; without a choice it stands at its right end. */
  #speak(row) {
    const { from_ms, to_ms, spoken_ms } = this.#stretch;
    const at_ms = row === null ? to_ms : Math.min(to_ms, Math.max(from_ms, this.#history.time_ms(row)));
    const seconds = (ms) => String(Math.round((ms - spoken_ms) / 1000));
    const words = this.#readout.textContent || 'Arrow keys go from result to result';
    const said = { ariaValueMin: seconds(from_ms), ariaValueMax: seconds(to_ms), ariaValueNow: seconds(at_ms), ariaValueText: words };
    for (const [name, value] of Object.entries(said)) if (this.#canvas[name] !== value) this.#canvas[name] = value;
  }
}

/** The timeline of the running session: drawn once per painted frame, unless it is paused. */
export class LiveTimeline {
  #timeline = new Timeline(element('timeline'), element('readout'));
  #pause = element('pause');
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
