// Draws a stretch of a session: who led voice and face, and the fused shares stacked to one.

import { EMOTIONS, UNCERTAIN, capitalised } from './emotions.js';
import { LONGEST_GAP_MS } from './history.js';

const STRIP = 16; // height of the strips of voice and face, in pixels
const LABEL_INK = '#15181e'; // to be read on every emotion's colour, in both themes
const GAP = 6; // between strips, and above the axis
const AXIS = 16;
const MOST_ROWS = 1500; // More than one in a pixel shows nothing more.

/** Colours for drawing: of each label, of words, and of the ground. */
export function paletteOf(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return Object.fromEntries([...EMOTIONS, UNCERTAIN, 'quiet', 'well', 'ink'].map((name) => [name, colour(name)]));
}

/**
 * @param {CanvasRenderingContext2D} canvas scaled so that a unit is a pixel of the page
 * @param {{width: number, height: number}} size
 * @param {import('./history.js').History} history
 * @param {{from_ms: number, to_ms: number, zero_ms: number}} stretch what to show, and what counts as 0 on the axis
 * @param {Object<string, string>} palette
 */
export function drawTimeline(canvas, size, history, stretch, palette) {
  canvas.clearRect(0, 0, size.width, size.height);
  const area = { top: 2 * (STRIP + GAP), bottom: size.height - AXIS - GAP };
  const x = (at_ms) => ((at_ms - stretch.from_ms) / (stretch.to_ms - stretch.from_ms)) * size.width;
  canvas.fillStyle = palette.well;
  canvas.fillRect(0, 0, size.width, STRIP);
  canvas.fillRect(0, STRIP + GAP, size.width, STRIP);
  canvas.fillRect(0, area.top, size.width, area.bottom - area.top);
  const rows = rowsIn(history, stretch);
  drawStrip(canvas, history, rows, 'voice', 0, x, palette);
  drawStrip(canvas, history, rows, 'face', STRIP + GAP, x, palette);
  for (const run of runsOf(history, rows)) drawStack(canvas, history, run, area, x, palette);
  drawAxis(canvas, size, stretch, x, palette);
}

/** Rows to draw: those inside, and one more on each side, so that lines run out of the picture. */
function rowsIn(history, { from_ms, to_ms }) {
  const first = Math.max(0, history.rowAt(from_ms) - 1);
  const last = Math.min(history.length - 1, history.rowAt(to_ms));
  const step = Math.max(1, Math.ceil((last - first) / MOST_ROWS));
  const rows = [];
  for (let row = first; row <= last; row += step) rows.push(row);
  return rows;
}

function follows(history, rows, index) {
  if (index === 0) return false;
  const step = rows[index] - rows[index - 1];
  return history.time_ms(rows[index]) - history.time_ms(rows[index - 1]) <= LONGEST_GAP_MS * step;
}

/** Draw who led, with the name where there is room for it: colour alone tells not everybody. */
function drawStrip(canvas, history, rows, modality, top, x, palette) {
  canvas.font = '11px system-ui, sans-serif';
  canvas.textBaseline = 'middle';
  canvas.textAlign = 'left';
  for (const { label, from, to } of stretchesOf(history, rows, modality)) {
    const left = Math.max(0, x(from));
    const width = x(to) - left;
    canvas.fillStyle = palette[label];
    canvas.fillRect(left, top, width + 0.5, STRIP);
    const words = capitalised(label);
    if (canvas.measureText(words).width + 8 > width) continue;
    canvas.fillStyle = LABEL_INK;
    canvas.fillText(words, left + 4, top + STRIP / 2 + 0.5);
  }
}

/** The stretches of time in which one label led, or none did clearly. */
function stretchesOf(history, rows, modality) {
  const stretches = [];
  rows.forEach((row, index) => {
    const label = history.label(row, modality);
    if (!label || !follows(history, rows, index)) return;
    const from = history.time_ms(rows[index - 1]);
    const to = history.time_ms(row);
    const last = stretches.at(-1);
    if (last && last.label === label && last.to === from) last.to = to;
    else stretches.push({ label, from, to });
  });
  return stretches;
}

/** Split rows where there was no fused result, or none for a while. */
function* runsOf(history, rows) {
  let run = [];
  for (let index = 0; index < rows.length; index++) {
    const known = history.scores(rows[index], 'fused') !== null;
    if (run.length && (!known || !follows(history, rows, index))) {
      yield run;
      run = [];
    }
    if (known) run.push(rows[index]);
  }
  if (run.length) yield run;
}

function drawStack(canvas, history, run, { top, bottom }, x, palette) {
  const at = run.map((row) => x(history.time_ms(row)));
  const scores = run.map((row) => history.scores(row, 'fused'));
  let below = new Float32Array(run.length);
  EMOTIONS.forEach((emotion, column) => {
    const above = below.map((share, index) => share + scores[index][column]);
    const y = (share) => bottom - Math.min(1, share) * (bottom - top);
    canvas.beginPath();
    above.forEach((share, index) => canvas.lineTo(at[index], y(share)));
    for (let index = run.length - 1; index >= 0; index--) canvas.lineTo(at[index], y(below[index]));
    canvas.fillStyle = palette[emotion];
    canvas.fill();
    below = above;
  });
}

function drawAxis(canvas, size, { from_ms, to_ms, zero_ms }, x, palette) {
  canvas.fillStyle = palette.quiet;
  canvas.font = '11px system-ui, sans-serif';
  canvas.textBaseline = 'bottom';
  const step_s = stepFor((to_ms - from_ms) / 1000, size.width);
  const first_s = Math.max(0, Math.ceil((from_ms - zero_ms) / 1000 / step_s) * step_s);
  for (let at_s = first_s; at_s * 1000 <= to_ms - zero_ms; at_s += step_s) {
    const words = timeWords(at_s);
    const middle = x(zero_ms + at_s * 1000);
    const half = canvas.measureText(words).width / 2;
    if (middle < half || middle > size.width - half) continue;
    canvas.textAlign = 'center';
    canvas.fillText(words, middle, size.height);
    canvas.fillRect(middle - 0.5, size.height - AXIS - GAP + 1, 1, 3);
  }
}

/** A round number of seconds between two marks, so that these do not touch. */
function stepFor(duration_s, width) {
  const least_s = (duration_s * 64) / width;
  return [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].find((step) => step >= least_s) ?? 14400;
}

/** Minutes and seconds, as on a clock. */
export function timeWords(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
