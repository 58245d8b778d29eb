// Draws what the page shows of the moment: state, picture, face box, cards. It knows nothing of WebRTC.

import { element, write } from './dom.js';
import { EMOTIONS, MODALITIES, UNCERTAIN, calledBy, capitalised, percent } from './emotions.js';

/** @typedef {import('./results.js').EmotionMessage} EmotionMessage */
/** @typedef {import('./results.js').Modality} Modality */

const WITHOUT_EVIDENCE = { voice: 'Silence', face: 'No face', fused: 'No evidence' };
const DASH = '–';

const root = document.documentElement;

/** Make the parts that repeat: seven bars a card. */
export function build() {
  for (const name of MODALITIES) {
    element(`${name}-bars`).replaceChildren(...EMOTIONS.map((emotion) => newLine(emotion)));
  }
  clearResults();
  for (const button of document.querySelectorAll('.start, .stop')) button.addEventListener('keydown', ignoreRepeated);
}

/** The focus goes from Start to Stop and back: a key that is held down would press one after the other. */
function ignoreRepeated(event) {
  if (event.repeat && event.key === 'Enter') event.preventDefault();
}

/** Show the state for styles and tests, and in words for people; with the seconds left where it will pass. */
export function showState(state, words, left_s = null) {
  root.dataset.state = state;
  const isIdle = state === 'idle';
  const [offered, other] = isIdle ? ['start', 'stop'] : ['stop', 'start'];
  const hadFocus = document.activeElement === element(other);
  element(offered).disabled = false;
  element(other).disabled = true;
  if (hadFocus) element(offered).focus();
  if (state === 'starting') element('summary').hidden = true; // It is of the session before.
  showStatus(words, left_s);
}

/** The seconds stand apart: a screen reader is not to speak every one of them. */
export function showStatus(words, left_s = null) {
  write(element('status'), words);
  write(element('countdown'), left_s === null ? '' : `in ${left_s} s`);
}

/** Show a sentence above everything: an error that ended the session, or a notice while it goes on. */
export function showError(sentence, kind = 'error') {
  const line = element('error');
  line.hidden = sentence === '';
  line.dataset.kind = kind;
  write(line, sentence);
}

/** Show one's own picture, or why there is none. */
export function showCamera(track, whyNot) {
  const camera = element('camera');
  if ((camera.srcObject?.getVideoTracks()[0] ?? null) !== track) camera.srcObject = track ? new MediaStream([track]) : null;
  element('stage').classList.toggle('seen', Boolean(track?.enabled));
  write(element('empty'), whyNot);
}

/** Say by way of whom sound and picture may go, so that "nobody else" stays true. */
export function showRelays(iceServers) {
  const hosts = iceServers.flatMap(({ urls }) => urls).filter((url) => url.startsWith('turn')).map((url) => url.split(/[:?]/)[1]);
  const names = [...new Set(hosts)].join(', ');
  write(element('relays'), names && `On the way they may pass through ${names}, which cannot read them. `);
}

/** Let the picture's rim glow with the voice, and fill the meter; the level is in [0, 1]. */
export function showLevel(level) {
  const written = level.toFixed(2);
  element('stage').style.setProperty('--level', written);
  element('level').style.setProperty('--share', written);
}

/**
 * The server counts what it heard and saw for a while after it is off; a card does not.
 * @param {EmotionMessage} message
 * @param {{voice: string, face: string}} off why a modality cannot have evidence; empty where it can
 */
export function showMessage(message, off) {
  for (const name of MODALITIES) {
    if (message[name] && !off[name]) showModality(name, message[name]);
    else drawCard(name, off[name] || WITHOUT_EVIDENCE[name], DASH, null);
  }
  showFaceBox(off.face ? null : message.face);
  showTopFive(message.top5);
}

/** @param {{voice: string, face: string}} off as for `showMessage`: said at once, before the next message comes */
export function showOff(off) {
  for (const [name, why] of Object.entries(off)) if (why) drawCard(name, why, DASH, null);
  if (off.face) showFaceBox(null);
}

export function showResultCount(count) {
  root.dataset.results = String(count);
}

/** Forget the last message: nothing on the page may look current when it is not. */
export function clearResults() {
  for (const name of MODALITIES) drawCard(name, DASH, '', null);
  showFaceBox(null);
  showTopFive([]);
}

/** @param {Modality} modality */
function showModality(name, modality) {
  const share = modality.probabilities[modality.label];
  drawCard(name, capitalised(shownLabel(modality)), percent(share), modality);
}

/** @param {Modality} modality */
const shownLabel = ({ label, probabilities }) => calledBy(label, probabilities[label]);

function drawCard(name, label, share, modality) {
  const card = element(name);
  const emotion = modality ? shownLabel(modality) : UNCERTAIN;
  card.dataset.emotion = emotion === UNCERTAIN ? 'none' : emotion;
  card.classList.toggle('without', !modality);
  write(element(`${name}-label`), label);
  write(element(`${name}-probability`), share);
  EMOTIONS.forEach((emotion, index) => {
    const probability = modality ? modality.probabilities[emotion] : null;
    fillLine(element(`${name}-bars`).children[index], emotion, probability);
  });
}

/** @param {import('./results.js').Ranked[]} ranked */
function showTopFive(ranked) {
  const list = element('top5');
  while (list.children.length > ranked.length) list.lastChild.remove();
  while (list.children.length < ranked.length) list.append(newLine());
  ranked.forEach(({ label, probability }, index) => fillLine(list.children[index], label, probability));
}

/** A line with a name, a bar and a share, in which `fillLine` writes. */
function newLine(emotion) {
  const line = document.createElement('li');
  line.append(...['name', 'bar', 'share'].map((part) => {
    const span = document.createElement('span');
    span.className = part;
    return span;
  }));
  line.children[1].ariaHidden = 'true';
  if (emotion) fillLine(line, emotion, null);
  return line;
}

function fillLine(line, emotion, probability) {
  const [name, bar, share] = line.children;
  if (line.dataset.emotion !== emotion) line.dataset.emotion = emotion;
  bar.style.setProperty('--share', probability ?? 0);
  write(name, capitalised(emotion));
  write(share, probability === null ? '' : percent(probability));
}

function showFaceBox(face) {
  const frame = element('face-box');
  const camera = element('camera'); // not there where somebody else's session is watched
  frame.hidden = !face || (camera && (!camera.srcObject || camera.videoWidth === 0));
  if (frame.hidden) return;
  write(element('face-tag'), capitalised(shownLabel(face)));
  const { x: left, y: top, width, height } = face.box;
  const placed = camera ? placeMirrored(face.box, camera) : { left, top, width, height };
  frame.classList.toggle('low', placed.top + placed.height > 0.95); // Its name would be cut off.
  for (const side in placed) frame.style.setProperty(side, `${(placed[side] * 100).toFixed(2)}%`);
}

/**
 * Where a box of the camera's picture lies in the element that shows it mirrored and cut to fit
 * (`object-fit: cover`), as shares of that element.
 * @param {import('./results.js').Box} box
 */
function placeMirrored(box, { videoWidth, videoHeight, clientWidth, clientHeight }) {
  const scale = Math.max(clientWidth / videoWidth, clientHeight / videoHeight);
  const across = (videoWidth * scale) / clientWidth; // the whole picture, cut edges included
  const down = (videoHeight * scale) / clientHeight;
  return {
    left: (1 - box.x - box.width) * across - (across - 1) / 2,
    top: box.y * down - (down - 1) / 2,
    width: box.width * across,
    height: box.height * down,
  };
}
