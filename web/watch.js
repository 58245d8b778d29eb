// Wires the watching page together: one session by its name, from the first look until the page is closed.

import { Arrivals } from './arrivals.js';
import { element, write } from './dom.js';
import { Told, sentence } from './errors.js';
import { Absent, follow } from './feed.js';
import { History } from './history.js';
import { levelOf } from './level.js';
import { newSession, sessionOfAddress } from './naming.js';
import { Notices } from './notices.js';
import { readResults } from './results.js';
import { keepTrying } from './retry.js';
import { serverFacts, takeToken, token } from './server-facts.js';
import { WatchLink, copies } from './sharing.js';
import { StatusLine } from './status-line.js';
import { LiveTimeline } from './timeline.js';
import * as view from './view.js';

const NO_NAME = 'This link names no session: it was not copied whole. Ask for it again.';
const NOT_YET = 'Nobody sends under this link yet. As soon as somebody does, it is shown here.';
const GONE = 'The session is not there any more.';
const MAY_RETURN = 'If it begins again under this link, it is shown here.';
const MOST_KEPT = 100_000; // results of half a day, in 10 MB; then the timeline begins anew

const root = document.documentElement;
const arrivals = new Arrivals();
const notices = new Notices((text) => view.showError(text, 'notice'));
const statusLine = new StatusLine();
const timeline = new LiveTimeline();

let history = new History();
let lastId = ''; // of the events that came; empty where the next connection continues none
let shown = 0; // results
let isMoving = false; // the timeline
let whyOver = ''; // while a session that was there is not

async function watch(session) {
  await keepTrying(new AbortController().signal, {
    connectOnce: (signal, onUp) => watchOnce(session, signal, onUp),
    onWait: showWait,
  }).catch(refuse);
}

/** One connection, until it is gone; resolves with why. */
async function watchOnce(session, signal, onUp) {
  if (root.dataset.state === 'reconnecting') view.showStatus('Connecting…');
  let giveUp;
  const over = new Promise((resolve) => (giveUp = resolve));
  const results = readResults(signal, {
    onSilent: () => {}, // The events themselves are waited for.
    onResult: showResult,
    onStale: showStale,
    onSettings: () => {}, // They are between the server and whoever sends.
    onNotice: ({ code, text }) => (code === 'ended' ? giveUp(new Absent(text, { hasEnded: true })) : notices.tell(text)),
    onEnd: giveUp,
  }, (message) => arrivals.at_ms(message));
  const following = follow({ session, lastId }, signal, {
    onUp: () => {
      if (lastId) arrivals.resume();
      onUp();
      showLive();
      results.expect();
    },
    onEvent: ({ type, data, id }) => {
      lastId = id;
      if (type === 'message') results.read(data);
    },
  });
  const reason = await Promise.race([following, over]);
  if (reason instanceof Absent) lastId = ''; // What comes next is another session.
  return reason;
}

function showLive() {
  whyOver = '';
  element('sending').open = false;
  element('last-minute').hidden = false;
  showState('live', 'Live');
  notices.say({ wait: '' });
  history.begin();
  if (!isMoving) timeline.start(history);
  isMoving = true;
  if (!element('models').textContent) showModels();
}

function showResult(message, rate_hz, at_ms) {
  if (history.length === MOST_KEPT) timeline.start((history = new History()));
  history.add(at_ms, message);
  view.showMessage(message, {});
  view.showLevel(levelOf(message.audio_level ** 2));
  view.showResultCount(++shown);
  statusLine.showRate(rate_hz);
}

function showStale(isStale) {
  if (isStale) clear();
  view.showStatus(isStale ? 'Live, but no results arrive' : 'Live');
}

function showWait(reason, left_s) {
  clear();
  if (!(reason instanceof Absent)) {
    notices.say({ wait: sentence(reason) });
    showState('reconnecting', 'Trying again', left_s);
    return;
  }
  if (isMoving) timeline.stop(); // It shows how the session ended.
  if (reason.hasEnded) whyOver ||= reason.message;
  else if (isMoving) whyOver ||= GONE;
  isMoving = false;
  notices.say({ wait: whyOver ? `${whyOver} ${MAY_RETURN}` : NOT_YET, told: '' });
  if (whyOver) showState('ended', 'Ended');
  else showState('waiting', 'Waiting for the session to begin');
}

/** Trying again is of no use. */
function refuse(reason) {
  clear();
  timeline.stop();
  notices.forget();
  for (const id of ['sending', 'share']) element(id).hidden = true;
  view.showError(sentence(reason));
  showState('refused', 'Not shown');
}

/** Nothing may look current when it is not. */
function clear() {
  view.clearResults();
  view.showLevel(0);
  statusLine.showRate(null);
}

function showState(state, words, left_s) {
  root.dataset.state = state;
  view.showStatus(words, left_s);
}

/** Which networks they are is good to know, and no more. */
async function showModels() {
  const { models } = await serverFacts().catch(() => ({ models: null }));
  statusLine.showModels(models);
}

/** Say where to send what is to be watched: whoever knows that can send, so the address of this page has it not. */
function showSending(path) {
  const address = `${location.origin}${path}`;
  write(element('whip-address'), address);
  copies(element('copy-whip'), element('whip-copied'), () => address, 'Address copied.');
  copies(element('copy-bearer'), element('bearer-copied'), token, 'Token copied.');
  element('bearer').hidden = !token();
  element('sending').hidden = false;
  element('sending').open = true;
}

async function begin() {
  showState('starting', 'Connecting…');
  try {
    const session = sessionOfAddress() ?? (await begun());
    if (!session) throw new Told(NO_NAME);
    new WatchLink().show(session);
    watch(session);
  } catch (reason) {
    refuse(reason);
  }
}

/** Begin what is to be watched: say where to send it to. */
async function begun() {
  const { session, whip } = await newSession();
  showSending(whip);
  return session;
}

addEventListener('error', ({ error }) => error && notices.say({ trouble: sentence(error) })); // else a notice of the browser
addEventListener('unhandledrejection', ({ reason }) => notices.say({ trouble: sentence(reason) }));
addEventListener('hashchange', () => location.reload()); // another link was put into the address
takeToken();
view.build();
begin();
