// Wires the page together: one attempt at a time, from the click on Start until Stop, through all connections.

import { DeviceControls } from './devices.js';
import { element } from './dom.js';
import { Told, lost, sentence } from './errors.js';
import { History } from './history.js';
import { followLevel } from './level.js';
import { KINDS, Media } from './media.js';
import { Notices } from './notices.js';
import { connect } from './peer.js';
import { readResults } from './results.js';
import { keepTrying } from './retry.js';
import { serverFacts, takeToken } from './server-facts.js';
import { SettingsPanel } from './settings-panel.js';
import { StatusLine } from './status-line.js';
import { Summary } from './summary.js';
import { LiveTimeline } from './timeline.js';
import * as view from './view.js';

const SLOW_MS = 5_000;

const statusLine = new StatusLine();
const devices = new DeviceControls((words) => say({ trouble: words }));
const settings = new SettingsPanel();
const timeline = new LiveTimeline();
const summary = new Summary();
const notices = new Notices((text) => view.showError(text, 'notice'));

/** The one attempt that is starting, live or reconnecting; aborting it ends everything that belongs to it. */
let attempt = null;
let history = new History();
let models = null; // those that the session has used
let key; // by which the session keeps the name that others watch it by
let watchLink = null; // not before the first session

async function start() {
  if (attempt) return;
  attempt = new AbortController();
  const { signal } = attempt;
  const end = (reason) => signal.aborted || attempt.abort(reason);
  signal.addEventListener('abort', () => ended(signal.reason));
  begin();
  try {
    const media = await Media.open(devices.chosen, devices.isOff, signal);
    follow(media, signal, end);
    await keepTrying(signal, { connectOnce: (inner, onUp) => session(media, inner, onUp), onWait: showWait });
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
  models = null;
  key = undefined;
  notices.forget();
  settings.forget();
  timeline.start(history);
  view.showError('');
  view.showResultCount(0);
  view.showState('starting', 'Asking for camera and microphone…');
}

function ended(reason) {
  attempt = null;
  notices.forget();
  timeline.stop();
  statusLine.clear();
  statusLine.showOff({});
  view.showCamera(null, 'Your picture appears here');
  view.clearResults();
  view.showError(reason === null ? '' : sentence(reason));
  view.showState('idle', reason === null ? 'Stopped' : history.length ? 'Ended' : 'Not started');
  if (history.length) summary.show(history, { models, settings: settings.inForce });
  showFacts().catch(() => {}); // The line at the bottom says so.
}

/** Say what is the matter while the session goes on; an empty text takes back what that source said. */
function say(news) {
  if (attempt) notices.say(news); // How it ended is on the screen.
}

/** Show the media for as long as the attempt lasts, through all changes of devices. */
function follow(media, signal, end) {
  devices.attach(media, signal);
  followLevel(media, signal, view.showLevel);
  const update = () => {
    const off = whyOff(media);
    view.showCamera(media.track('video'), off.face);
    statusLine.showOff(off);
    view.showOff(off);
    say({ missing: media.notice, trouble: '' });
    if (!KINDS.some((kind) => media.track(kind))) end(new Told(media.notice));
  };
  update();
  media.addEventListener('change', update, { signal });
}

/** Why a modality can have no evidence, whatever the server says; empty where it can. */
function whyOff(media) {
  const why = (kind, off, absent, paused) => {
    if (media.isOff(kind)) return off;
    if (!media.track(kind)) return absent;
    return media.isPaused(kind) ? paused : '';
  };
  return {
    voice: why('audio', 'Microphone muted', 'No microphone', 'Microphone paused'),
    face: why('video', 'Camera turned off', 'No camera', 'Camera paused'),
  };
}

/** One connection, from the offer until it is gone; resolves with why. */
async function session(media, signal, onUp) {
  view.showStatus('Connecting…');
  const slow = setTimeout(() => view.showStatus('Connecting takes longer than usual…'), SLOW_MS);
  signal.addEventListener('abort', () => clearTimeout(slow));
  let giveUp;
  const over = new Promise((resolve) => (giveUp = resolve));
  const results = readResults(signal, {
    onResult: (message, rate_hz) => showResult(message, rate_hz, media),
    onStale: showStale,
    onSilent: () => giveUp(lost()),
    onSettings: (message) => settings.take(message),
    onNotice: ({ code, text }) => (code === 'over' ? giveUp(new Told(text, { isFinal: true })) : attempt && notices.tell(text)),
    onEnd: giveUp,
  });

  const facts = await showFacts();
  signal.throwIfAborted();
  const reports = { onMessage: results.read, onTrouble: (words) => say({ trouble: words }) };
  const configuration = { iceServers: facts.ice_servers, iceTransportPolicy: facts.ice_transport_policy };
  const link = await connect(media, configuration, signal, reports, key);
  key = link.key;
  clearTimeout(slow);
  onUp();
  models = facts.models;
  history.begin();
  view.showState('live', 'Live');
  say({ wait: '' });
  results.expect();
  settings.connect(link.send, signal);
  statusLine.follow(link, signal);
  share(link.session);
  return Promise.race([link.ended, over]);
}

/** Offer the link by which others can watch; what copies it is fetched when it is of use, and not before. */
async function share(session) {
  watchLink ??= new (await import('./sharing.js')).WatchLink();
  const news = watchLink.show(session);
  if (attempt && news) notices.tell(news);
}

function showWait(reason, left_s) {
  view.clearResults();
  statusLine.clear();
  say({ wait: sentence(reason), told: '' });
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
  if (isStale) statusLine.clear();
  view.showStatus(isStale ? 'Live, but no results arrive' : 'Live');
}

/** Learn and show which networks the server uses, and by way of whom it can be reached. */
async function showFacts() {
  try {
    const facts = await serverFacts();
    statusLine.showModels(facts.models);
    view.showRelays(facts.ice_servers);
    return facts;
  } catch (error) {
    statusLine.showModels(null, error.isPassing ? 'The server cannot be reached at the moment.' : sentence(error));
    throw error;
  }
}

/** Space starts and stops wherever it has no other use. */
function onKey(event) {
  const isTaken = event.target.closest('button, select, summary, a');
  const isModified = event.ctrlKey || event.altKey || event.metaKey || event.shiftKey;
  if (event.key !== ' ' || event.repeat || isTaken || isModified) return;
  event.preventDefault();
  if (attempt) stop();
  else start();
}

/** What nobody foresaw stands on the page, not in the console alone; a session that still works goes on. */
function onUnforeseen(error) {
  if (attempt) say({ trouble: sentence(error) });
  else view.showError(sentence(error));
}

addEventListener('error', ({ error }) => error && onUnforeseen(error)); // without one it is a notice of the browser
addEventListener('unhandledrejection', ({ reason }) => onUnforeseen(reason));
element('start').addEventListener('click', start);
element('stop').addEventListener('click', stop);
document.addEventListener('keydown', onKey);
addEventListener('pagehide', stop);
takeToken();
view.build();
view.showState('idle', 'Idle');
showFacts().catch(() => {}); // The line at the bottom says so.
