// Draws everything the page shows; it knows the DOM and the wire schema, and nothing of WebRTC.

/**
 * @typedef {{label: string, probabilities: Object<string, number>, age_ms: number}} Modality
 * @typedef {{x: number, y: number, width: number, height: number}} Box shares of the picture, from the top left
 * @typedef {{label: string, probability: number}} Ranked
 * @typedef {object} EmotionMessage version 1, as in rtc/messages.py
 * @property {number} version
 * @property {number} sequence
 * @property {"both" | "voice" | "face" | "none"} evidence
 * @property {?Modality} voice
 * @property {?(Modality & {box: Box})} face
 * @property {?Modality} fused
 * @property {Ranked[]} top5
 */

const WITHOUT_EVIDENCE = { voice: 'Silence', face: 'No face', fused: 'No evidence' };
const WITHOUT_DEVICE = { voice: 'No microphone', face: 'No camera' };
const DEVICE_OF = { voice: 'audio', face: 'video' };
const DASH = '–';
let tracks = []; // what the person sends, to tell silence from no microphone

const root = document.documentElement;
const element = (id) => document.getElementById(id);

/** Show the state for styles and tests, and in words for people. */
export function showState(state, words) {
  root.dataset.state = state;
  element('start').disabled = state !== 'idle';
  element('stop').disabled = state === 'idle';
  showStatus(words);
}

export const isLive = () => root.dataset.state === 'live';

export function showStatus(words) {
  write(element('status'), words);
}

/** Show a sentence under the buttons: an error that ended the session, or a notice while it goes on. */
export function showError(sentence, kind = 'error') {
  const line = element('error');
  line.hidden = sentence === '';
  line.dataset.kind = kind;
  write(line, sentence);
}

export function showModels(words) {
  write(element('models'), words);
}

/** Show one's own picture, or say why there is none. */
export function showCamera(stream) {
  const camera = element('camera');
  tracks = stream?.getTracks() ?? [];
  const seen = Boolean(stream?.getVideoTracks().some((track) => track.readyState === 'live'));
  camera.srcObject = seen ? stream : null;
  element('stage').classList.toggle('seen', seen);
  write(element('empty'), stream ? 'No camera: listening only' : 'Your picture appears here');
}

/** Let the picture's rim glow with the voice; the level is in [0, 1]. */
export function showLevel(level) {
  element('stage').style.setProperty('--level', level.toFixed(2));
}

/** @param {EmotionMessage} message */
export function showMessage(message) {
  for (const name of ['voice', 'face', 'fused']) showModality(name, message[name]);
  showFaceBox(message.face);
  showTopFive(message.top5);
}

export function showResultCount(count) {
  root.dataset.results = String(count);
}

/** Forget the last message: nothing on the page may look current when it is not. */
export function clearResults() {
  for (const name of ['voice', 'face', 'fused']) drawCard(name, DASH, '', null);
  showFaceBox(null);
  showTopFive([]);
}

function showModality(name, modality) {
  if (!modality) return drawCard(name, whyNothing(name), DASH, null);
  const { label, probabilities } = modality;
  drawCard(name, capitalised(label), percent(probabilities[label]), modality);
}

/** A device that is not there gives no evidence of silence, nor of an empty chair. */
function whyNothing(name) {
  const isThere = name === 'fused' || tracks.some(({ kind, readyState }) => kind === DEVICE_OF[name] && readyState === 'live');
  return isThere ? WITHOUT_EVIDENCE[name] : WITHOUT_DEVICE[name];
}

function drawCard(name, label, probability, modality) {
  const card = element(name);
  card.dataset.emotion = modality?.label ?? 'none';
  card.style.setProperty('--share', modality?.probabilities[modality.label] ?? 0);
  write(element(`${name}-label`), label);
  write(element(`${name}-probability`), probability);
}

/** @param {Ranked[]} ranked */
function showTopFive(ranked) {
  const list = element('top5');
  while (list.children.length > ranked.length) list.lastChild.remove();
  while (list.children.length < ranked.length) list.append(newLine());
  ranked.forEach(({ label, probability }, index) => {
    const line = list.children[index];
    const [name, , share] = line.children;
    line.dataset.emotion = label;
    line.style.setProperty('--share', probability);
    write(name, capitalised(label));
    write(share, percent(probability));
  });
}

function newLine() {
  const line = document.createElement('li');
  line.append(...['name', 'bar', 'share'].map((part) => {
    const span = document.createElement('span');
    span.className = part;
    return span;
  }));
  line.children[1].ariaHidden = 'true';
  return line;
}

function showFaceBox(face) {
  const frame = element('face-box');
  const camera = element('camera');
  frame.hidden = !face || !camera.srcObject || camera.videoWidth === 0;
  if (frame.hidden) return;
  write(element('face-tag'), capitalised(face.label));
  const placed = placeMirrored(face.box, camera);
  for (const side in placed) frame.style.setProperty(side, `${(placed[side] * 100).toFixed(2)}%`);
}

/**
 * Where a box of the camera's picture lies in the element that shows it mirrored and cut to fit
 * (`object-fit: cover`), as shares of that element.
 * @param {Box} box
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

/** Touch the DOM only where something changed, so that screen readers speak changes only. */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

const capitalised = (label) => label.charAt(0).toUpperCase() + label.slice(1);
const percent = (probability) => `${Math.round(probability * 100)} %`;
