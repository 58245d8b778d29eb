// What is left of a session when it is over: how long, who led for which share of it, and files to keep.

import { element, write } from './dom.js';
import { EMOTIONS, MODALITIES, UNCERTAIN, capitalised, percent } from './emotions.js';
import { csvOf, jsonOf, save } from './exports.js';
import { Timeline } from './timeline.js';
import { drawTimeline, paletteOf, timeWords } from './timeline-drawing.js';

const PICTURE = { width: 1600, height: 520 };
const MARGIN = { top: 76, side: 40, bottom: 72 };

export class Summary {
  #timeline = new Timeline(element('summary-timeline'), element('summary-readout'));
  #history = null;
  #facts = {};

  constructor() {
    this.#onClick('save-csv', 'csv', (history) => new Blob([csvOf(history)], { type: 'text/csv' }));
    this.#onClick('save-json', 'json', (history) => new Blob([jsonOf(history, this.#facts)], { type: 'application/json' }));
    this.#onClick('save-png', 'png', pictureOf);
  }

  #onClick(button, ending, fileOf) {
    element(button).addEventListener('click', async () => {
      const history = this.#history; // another session may be summed up before the file is made
      save(await fileOf(history), ending, history.startedOn);
    });
  }

  /**
   * Sum up a session that ends now.
   * @param {import('./history.js').History} history with at least one result
   * @param {{models: ?object, settings: ?object}} facts that go into the JSON
   */
  show(history, facts) {
    history.end(performance.now());
    this.#history = history;
    this.#facts = facts;
    element('summary').hidden = false;
    write(element('summary-facts'), factsOf(history));
    element('shares').replaceChildren(...linesOf(history));
    this.#timeline.showAll(history);
  }
}

function factsOf(history) {
  const started = history.startedOn.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  const duration_s = Math.round(history.duration_ms / 1000);
  const duration = duration_s < 60 ? `${duration_s} s` : `${timeWords(duration_s)} minutes`;
  return `${started}: ${duration}, ${history.length === 1 ? '1 result' : `${history.length} results`}.`;
}

/** A row for each emotion, one for what was too weak to name, one without evidence; a column for each modality. */
function linesOf(history) {
  const columns = MODALITIES.map((modality) => history.sharesOf(modality));
  const labels = [...EMOTIONS, UNCERTAIN];
  const lines = labels.map((label) => lineOf(capitalised(label), label, columns.map(({ shares }) => shares[label])));
  return [...lines, lineOf('No evidence', 'none', columns.map(({ none }) => none))];
}

function lineOf(name, emotion, shares) {
  const line = document.createElement('tr');
  line.dataset.emotion = emotion;
  const head = document.createElement('th');
  head.scope = 'row';
  head.textContent = name;
  line.append(head, ...shares.map((share) => {
    const cell = document.createElement('td');
    cell.style.setProperty('--share', share);
    cell.textContent = percent(share);
    return cell;
  }));
  return line;
}

/** The timeline as a PNG on white, with a title and a key, that explains itself elsewhere. */
async function pictureOf(history) {
  const canvas = new OffscreenCanvas(PICTURE.width, PICTURE.height);
  const context = canvas.getContext('2d');
  const palette = { ...paletteOf(element('summary')), surface: '#ffffff', well: '#e9ebef', quiet: '#596172', ink: '#15181e' };
  const size = { width: PICTURE.width - 2 * MARGIN.side, height: PICTURE.height - MARGIN.top - MARGIN.bottom };

  context.translate(MARGIN.side, MARGIN.top);
  const stretch = { from_ms: history.startedAt_ms, to_ms: history.endedAt_ms, zero_ms: history.startedAt_ms };
  drawTimeline(context, size, history, stretch, palette);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = palette.surface;
  context.fillRect(0, 0, PICTURE.width, PICTURE.height);
  context.globalCompositeOperation = 'source-over';
  writeAround(context, history, palette);
  return canvas.convertToBlob({ type: 'image/png' });
}

function writeAround(context, history, palette) {
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillStyle = palette.ink;
  context.font = '600 22px system-ui, sans-serif';
  context.fillText('Apparent emotion: leading label of voice (above) and face (below it), shares of both fused', MARGIN.side, 28);
  context.font = '16px system-ui, sans-serif';
  context.fillStyle = palette.quiet;
  context.fillText(`${factsOf(history)} A program’s guess of expression, not of feeling.`, MARGIN.side, 56);
  let left = MARGIN.side;
  const middle = PICTURE.height - MARGIN.bottom / 2;
  for (const label of [...EMOTIONS, UNCERTAIN]) {
    context.fillStyle = palette[label];
    context.fillRect(left, middle - 8, 16, 16);
    context.fillStyle = palette.ink;
    context.fillText(capitalised(label), left + 24, middle);
    left += 60 + context.measureText(capitalised(label)).width;
  }
}
