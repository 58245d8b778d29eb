// Says in words what stands at one place of the timeline, for eyes and for screen readers.

import { EMOTIONS, UNCERTAIN, capitalised, percent } from './emotions.js';
import { timeWords } from './timeline-drawing.js';

/** "0:12 · Fused: Happy 71 %, Neutral 12 %, … · Voice: Sad 40 % · Face: none" */
export function valuesInWords(history, row) {
  const time = timeWords((history.time_ms(row) - history.startedAt_ms) / 1000);
  const fused = ranked(history, row, 'fused', 3);
  const rest = ['voice', 'face'].map((name) => `${capitalised(name)}: ${ranked(history, row, name, 1)}`);
  return [time, `Fused: ${fused}`, ...rest].join(' · ');
}

function ranked(history, row, name, count) {
  const [scores, label] = [history.scores(row, name), history.label(row, name)];
  if (!scores) return 'nothing';
  const order = EMOTIONS.map((_, index) => index).sort((a, b) => scores[b] - scores[a]);
  const words = order.slice(0, count).map((index) => `${capitalised(EMOTIONS[index])} ${percent(scores[index])}`).join(', ');
  return label === UNCERTAIN ? `Uncertain (${words})` : words;
}
