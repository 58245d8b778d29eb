// Opens camera and microphone, or the one of them that is there, and follows how loud the voice is.

import { INSECURE, Told, missingSentence } from './errors.js';

const WANTED = {
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } },
  // Noise suppression takes away what tells emotions apart, and nothing is played that could echo.
  audio: { noiseSuppression: false, echoCancellation: false, autoGainControl: true },
};

// Nobody reads and answers a prompt this fast: a quicker refusal is an old setting, not an answer.
const FASTER_THAN_A_PERSON_MS = 350;

/**
 * Open both devices, or the one that can be had. Whatever was opened is stopped when the signal aborts.
 * @param {AbortSignal} signal
 * @returns {Promise<{stream: MediaStream, missing: string}>} `missing` says what is not there and why, or is empty
 * @throws {Told} neither can be had
 */
export async function openMedia(signal) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Told(INSECURE);
  const askedAt = performance.now();
  try {
    return { stream: await ask(WANTED, signal), missing: '' };
  } catch (error) {
    signal.throwIfAborted();
    const quickly = performance.now() - askedAt < FASTER_THAN_A_PERSON_MS;
    return openEach(error, quickly, signal);
  }
}

/** Ask for each device alone, leaving out those that a person has just refused. */
async function openEach(error, quickly, signal) {
  const tracks = [];
  const failures = {};
  for (const kind of ['audio', 'video']) {
    if (error.name === 'NotAllowedError' && !quickly && !(await isGranted(kind))) {
      failures[kind] = error;
      continue;
    }
    try {
      tracks.push(...(await ask({ [kind]: WANTED[kind] }, signal)).getTracks());
    } catch (alone) {
      failures[kind] = alone;
    }
    signal.throwIfAborted();
  }
  const missing = missingSentence(failures);
  if (tracks.length === 0) throw new Told(missing);
  return { stream: new MediaStream(tracks), missing };
}

async function ask(constraints, signal) {
  const stream = await navigator.mediaDevices.getUserMedia(constraints);
  const stop = () => stream.getTracks().forEach((track) => track.stop());
  if (signal.aborted) stop();
  signal.throwIfAborted();
  signal.addEventListener('abort', stop);
  return stream;
}

async function isGranted(kind) {
  const name = { video: 'camera', audio: 'microphone' }[kind];
  try {
    return (await navigator.permissions.query({ name })).state === 'granted';
  } catch {
    return false; // This browser does not say: rather ask too seldom than twice.
  }
}

/**
 * Report the loudness of the stream's sound in [0, 1], once per painted frame, until the signal aborts.
 * @param {MediaStream} stream
 * @param {AbortSignal} signal
 * @param {(level: number) => void} show
 */
export function followLevel(stream, signal, show) {
  if (stream.getAudioTracks().length === 0) return;
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  const samples = new Float32Array(analyser.fftSize);
  context.createMediaStreamSource(stream).connect(analyser);
  context.resume().catch(() => {}); // Closed before it ran: there is no level to show any more.

  let level = 0;
  let frame = requestAnimationFrame(function step() {
    analyser.getFloatTimeDomainData(samples);
    level = smoothed(level, loudness(samples));
    show(level);
    frame = requestAnimationFrame(step);
  });
  signal.addEventListener('abort', () => {
    cancelAnimationFrame(frame);
    context.close();
  });
}

/** Root mean square in decibels, with -60 dB as 0 and -10 dB as 1. */
function loudness(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}

/** Rise with the voice, fall slowly, so that the glow breathes instead of flickering. */
function smoothed(level, next) {
  return level + (next - level) * (next > level ? 0.35 : 0.08);
}
