// Turns a session into files that the person may keep; they are made here, and sent to nobody.

import { EMOTIONS, MODALITIES } from './emotions.js';
import { BOX } from './history.js';

const DIGITS = 4; // of a share, as in the server's messages
const TAKEN_MS = 60_000; // By then every browser has taken the file that it was offered.

/** One row a result, in the columns that `eval.replay` writes for recordings; labels are those that the page showed. */
export function csvOf(history) {
  const columns = [
    'time_s',
    'evidence',
    ...MODALITIES.flatMap((modality) => ['label', ...EMOTIONS].map((what) => `${modality}_${what}`)),
    ...BOX.map((side) => `box_${side}`),
    'audio_level',
  ];
  const lines = [...rowsOf(history)].map((row) => [
    row.time_s,
    row.evidence,
    ...MODALITIES.flatMap((name) => cells(row[name])),
    ...BOX.map((side) => row.face?.box[side] ?? ''),
    row.audio_level,
  ]);
  return [columns, ...lines].map((line) => line.join(',')).join('\n') + '\n';
}

const cells = (modality) =>
  modality ? [modality.label, ...EMOTIONS.map((emotion) => modality.probabilities[emotion])] : ['', ...EMOTIONS.map(() => '')];

/** The session as one document, with what is needed to understand it later. */
export function jsonOf(history, { models, settings }) {
  const document = {
    what: 'apparent emotion of a voice and a face: a program’s guess of expression, not of feeling',
    started: history.startedOn.toISOString(),
    duration_s: rounded(history.duration_ms / 1000),
    models,
    settings,
    results: [...rowsOf(history)],
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function* rowsOf(history) {
  for (let row = 0; row < history.length; row++) {
    const [voice, face, fused] = MODALITIES.map((name) => modalityOf(history.scores(row, name), history.label(row, name)));
    if (face) face.box = Object.fromEntries(BOX.map((side, column) => [side, rounded(history.box(row)[column])]));
    yield {
      time_s: rounded((history.time_ms(row) - history.startedAt_ms) / 1000),
      evidence: voice && face ? 'both' : voice ? 'voice' : face ? 'face' : 'none',
      voice,
      face,
      fused,
      audio_level: rounded(history.level(row)),
    };
  }
}

function modalityOf(scores, label) {
  if (!scores) return null;
  return {
    label,
    probabilities: Object.fromEntries(EMOTIONS.map((emotion, column) => [emotion, rounded(scores[column])])),
  };
}

const rounded = (number) => Number(number.toFixed(DIGITS));

/**
 * Offer a file as a download named after the moment at which the session began.
 * @param {Blob} file
 */
export function save(file, ending, startedOn) {
  const moment = startedOn.toISOString().slice(0, 19).replaceAll(':', '-');
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = `emotions-${moment}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS);
}
