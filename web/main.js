// Wires buttons, media, peer and view: one attempt at a time, from the click on Start until it ends.

import { TOO_SLOW, Told, lostDeviceSentence, sentence } from './errors.js';
import { followLevel, openMedia } from './media.js';
import { connect } from './peer.js';
import { readResults } from './results.js';
import * as view from './view.js';

const SLOW_MS = 5_000;
const TOO_SLOW_MS = 15_000;

/** The one attempt that is starting or live; aborting it ends everything that belongs to it. */
let attempt = null;

async function start() {
  if (attempt) return;
  const controller = new AbortController();
  const { signal } = controller;
  const end = (reason) => controller.abort(reason); // Only the first call does anything.
  attempt = controller;
  signal.addEventListener('abort', () => ended(signal.reason));
  markStart();
  view.showError('');
  view.showResultCount(0);
  view.showState('starting', 'Asking for camera and microphone…');

  try {
    const { stream, missing } = await openMedia(signal);
    signal.throwIfAborted();
    showMedia(stream, missing, signal, end);
    const results = readResults(signal, {
      onCount: view.showResultCount,
      onResult: showResult,
      onStale: showStale,
      onUnreadable: end,
    });
    limitTime(signal, end);
    await connect(stream, signal, { onMessage: results.read, onLost: end });
    signal.throwIfAborted();
    view.showState('live', 'Live');
    results.expect();
    showModels();
  } catch (error) {
    end(error);
  }
}

/** End the attempt because the person wants it; there is nothing to explain. */
function stop() {
  attempt?.abort(null);
}

function ended(reason) {
  attempt = null;
  view.showLevel(0);
  view.showCamera(null);
  view.clearResults();
  view.showError(reason ? sentence(reason) : '');
  view.showState('idle', reason ? 'Ended' : 'Stopped');
  if (reason) showModels();
}

function showMedia(stream, missing, signal, end) {
  view.showCamera(stream);
  view.showError(missing, 'notice');
  followLevel(stream, signal, view.showLevel);
  for (const track of stream.getTracks()) {
    track.addEventListener('ended', () => {
      const sorry = lostDeviceSentence(track.kind);
      if (stream.getTracks().every((each) => each.readyState === 'ended')) return end(new Told(sorry));
      view.showCamera(stream);
      view.showError(sorry, 'notice');
    }, { signal });
  }
}

/** Say when connecting takes long, and end the attempt when it takes too long. */
function limitTime(signal, end) {
  const isConnecting = () => !view.isLive();
  view.showStatus('Connecting…');
  const slow = setTimeout(() => {
    if (isConnecting()) view.showStatus('Connecting takes longer than usual…');
  }, SLOW_MS);
  const tooSlow = setTimeout(() => {
    if (isConnecting()) end(new Told(TOO_SLOW));
  }, TOO_SLOW_MS);
  signal.addEventListener('abort', () => [slow, tooSlow].forEach(clearTimeout));
}

function showResult(message) {
  view.showMessage(message);
  const isFirst = performance.getEntriesByName('first-result').length === 0;
  if (message.fused && isFirst) performance.mark('first-result');
}

function showStale(isStale) {
  if (isStale) view.clearResults();
  view.showStatus(isStale ? 'Live, but no results arrive' : 'Live');
}

function markStart() {
  for (const name of ['start-clicked', 'first-result']) performance.clearMarks(name);
  performance.mark('start-clicked');
}

/** Name the models in use, or say that the server is not there. */
async function showModels() {
  try {
    const response = await fetch('/healthz', { cache: 'no-store' });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { models } = await response.json();
    const named = Object.entries(models).map(([modality, model]) => `${model?.name ?? 'no model'} (${modality})`);
    view.showModels(`Models in use: ${named.join(', ')}.`);
  } catch {
    view.showModels('The server cannot be reached at the moment.');
  }
}

document.getElementById('start').addEventListener('click', start);
document.getElementById('stop').addEventListener('click', stop);
addEventListener('pagehide', stop);
view.clearResults();
view.showState('idle', 'Idle');
showModels();
