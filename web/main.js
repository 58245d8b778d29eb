// Wires the page together: one attempt at a time, from the click on Start until Stop, through all connections.

import { DeviceControls } from './devices.js';
import { Told, sentence } from './errors.js';
import { History } from './history.js';
import { followLevel } from './level.js';
import { Media } from './media.js';
import { connect } from './peer.js';
import { readResults } from './results.js';
import { keepTrying } from './retry.js';
import { serverFacts } from './server-facts.js';
import { SettingsPanel } from './settings-panel.js';
import { StatusLine } from './status-line.js';
import { Summary } from './summary.js';
import { LiveTimeline } from './timeline.js';
import * as view from './view.js';

const SLOW_MS = 5_000;

const statusLine = new StatusLine();
const devices = new DeviceControls((words) => view.showError(words, 'notice'));
const settings = new SettingsPanel();
const timeline = new LiveTimeline();
const summary = new Summary();

/** The one attempt that is starting, live or reconnecting; aborting it ends everything that belongs to it. */
let attempt = null;
let history = new History();
let models = null;

async function start() {
  if (attempt) return;
  attempt = new AbortController();
  const { signal } = attempt;
  const end = (reason) => signal.aborted || attempt.abort(reason);
  signal.addEventListener('abort', () => ended(signal.reason));
  begin();
  try {
    const media = await Media.open(devices.chosen, signal);
    show(media, signal, end);
    await keepTrying(signal, { once: (inner, onUp) => session(media, inner, onUp), onWait: showWait });
  } catch (error) {
    end(error);
  }
}

/** End the attempt because the person wants it; there is nothing to explain. */
function stop() {
  attempt?.abort(null);
}

function begin() {
  for (const name of ['start-clicked', 'first-result']) performance.clearMarks(name);
  performance.mark('start-clicked');
  history = new History();
  summary.hide();
  timeline.start(history);
  view.showError('');
  view.showResultCount(0);
  view.showState('starting', 'Asking for camera and microphone…');
}

function ended(reason) {
  attempt = null;
  timeline.stop();
  statusLine.clear();
  view.showCamera(null, 'Your picture appears here');
  view.clearResults();
  view.showError(reason ? sentence(reason) : '');
  view.showState('idle', reason ? 'Ended' : 'Stopped');
  if (history.length) summary.show(history, { models, settings: settings.inForce });
  if (reason) askForFacts().catch(() => {});
}

/** Show the media for as long as the attempt lasts, through all changes of devices. */
function show(media, signal, end) {
  devices.attach(media, signal);
  view.showError(media.missing, 'notice');
  followLevel(media, signal, view.showLevel);
  const update = () => {
    const off = whyOff(media);
    view.showCamera(media.track('video'), off.face);
    statusLine.showOff(off);
    devices.refresh();
  };
  update();
  media.addEventListener('change', update, { signal });
  media.addEventListener('lost', ({ detail }) => {
    view.showError(detail, 'notice');
    if (!media.track('audio') && !media.track('video')) end(new Told(detail));
  }, { signal });
}

/** Why a modality can have no evidence, whatever the server says; empty where it can. */
function whyOff(media) {
  const why = (kind, absent, muted) => (media.track(kind) ? (media.isMuted(kind) ? muted : '') : absent);
  return { voice: why('audio', 'No microphone', 'Microphone muted'), face: why('video', 'No camera', 'Camera turned off') };
}

/** One connection, from the offer until it is gone; resolves with why. */
async function session(media, signal, onUp) {
  view.showStatus('Connecting…');
  const slow = setTimeout(() => view.showStatus('Connecting takes longer than usual…'), SLOW_MS);
  signal.addEventListener('abort', () => clearTimeout(slow));
  let giveUp;
  const unreadable = new Promise((resolve) => (giveUp = resolve));
  const results = readResults(signal, {
    onResult: (message, rate_hz) => showResult(message, rate_hz, media),
    onStale: showStale,
    onSettings: (message) => settings.take(message),
    onUnreadable: giveUp,
  });

  const facts = await askForFacts();
  signal.throwIfAborted();
  const link = await connect(media, facts.ice_servers, signal, results.read);
  clearTimeout(slow);
  onUp();
  view.showState('live', 'Live');
  view.showError(media.missing, 'notice');
  results.expect();
  settings.connect(link.send, signal);
  statusLine.follow(link, signal);
  return Promise.race([link.ended, unreadable]);
}

function showWait(reason, left_s) {
  view.clearResults();
  statusLine.clear();
  view.showError(sentence(reason), 'notice');
  view.showState('reconnecting', 'Trying again', left_s);
}

function showResult(message, rate_hz, media) {
  history.add(performance.now(), message);
  view.showMessage(message, whyOff(media));
  view.showResultCount(history.length);
  statusLine.take(message, rate_hz);
  const isFirst = performance.getEntriesByName('first-result').length === 0;
  if (message.fused && isFirst) performance.mark('first-result');
}

function showStale(isStale) {
  if (isStale) view.clearResults();
  view.showStatus(isStale ? 'Live, but no results arrive' : 'Live');
}

/** Learn which networks the server uses, and by which ICE servers it can be reached. */
async function askForFacts() {
  try {
    const facts = await serverFacts();
    models = facts.models;
    return facts;
  } catch (error) {
    models = null;
    throw error;
  } finally {
    statusLine.showModels(models);
  }
}

/** Space starts and stops wherever it has no other use. */
function onKey(event) {
  const isTaken = event.target.closest('button, select, input, summary, a, canvas');
  if (event.key !== ' ' || event.repeat || isTaken || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (attempt) stop();
  else start();
}

/** Whatever nobody foresaw: in words, on the page, and not in the console alone. */
function onUnforeseen(error) {
  if (attempt) attempt.abort(error);
  else view.showError(sentence(error));
}

addEventListener('error', (event) => onUnforeseen(event.error ?? event));
addEventListener('unhandledrejection', (event) => onUnforeseen(event.reason));
document.getElementById('start').addEventListener('click', start);
document.getElementById('stop').addEventListener('click', stop);
document.addEventListener('keydown', onKey);
addEventListener('pagehide', stop);
view.build();
view.showState('idle', 'Idle');
askForFacts().catch(() => {}); // The line at the bottom says so.
