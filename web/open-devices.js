// Asks the browser for camera and microphone, and takes what it can get.

import { DEVICES } from './errors.js';

const WANTED = {
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } },
  // Noise suppression takes away what tells emotions apart, and nothing is played that could echo.
  audio: { noiseSuppression: false, echoCancellation: false, autoGainControl: true },
};

// Nobody reads and answers a prompt this fast: a quicker refusal is an old setting, not an answer.
const FASTER_THAN_A_PERSON_MS = 350;

/**
 * Ask for devices, all at once where the browser lets them be had so, else one by one.
 * @param {string[]} kinds
 * @param {{audio: string, video: string}} deviceIds the chosen ones; empty for whichever the browser takes
 * @param {AbortSignal} signal ends the asking
 * @returns {Promise<{tracks: MediaStreamTrack[], failures: Object<string, Error>}>}
 */
export async function openTracks(kinds, deviceIds, signal) {
  const askedAt = performance.now();
  try {
    const wishes = Object.fromEntries(kinds.map((kind) => [kind, wish(kind, { ideal: deviceIds[kind] })]));
    return { tracks: (await navigator.mediaDevices.getUserMedia(wishes)).getTracks(), failures: {} };
  } catch (error) {
    signal.throwIfAborted();
    if (kinds.length === 1) return { tracks: [], failures: { [kinds[0]]: error } };
    const quickly = performance.now() - askedAt < FASTER_THAN_A_PERSON_MS;
    return openEach(deviceIds, error, quickly, signal);
  }
}

/** Ask for each device alone, leaving out those that a person has just refused. */
async function openEach(deviceIds, error, quickly, signal) {
  const tracks = [];
  const failures = {};
  for (const kind of Object.keys(deviceIds)) {
    if (signal.aborted) break;
    if (error.name === 'NotAllowedError' && !quickly && !(await isGranted(kind))) {
      failures[kind] = error;
      continue;
    }
    try {
      tracks.push(await openFrom(kind, { ideal: deviceIds[kind] }));
    } catch (failure) {
      failures[kind] = failure;
    }
  }
  return { tracks, failures };
}

/** Open the device that was chosen, or none; without a choice, whichever the browser takes. */
export async function openOne(kind, deviceId) {
  return openFrom(kind, deviceId ? { exact: deviceId } : { ideal: '' });
}

/** @param {{exact?: string, ideal?: string}} device who starts with a device that has gone is content with another */
async function openFrom(kind, device) {
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wish(kind, device) });
  return stream.getTracks()[0];
}

function wish(kind, device) {
  return device.ideal === '' ? WANTED[kind] : { ...WANTED[kind], deviceId: device };
}

async function isGranted(kind) {
  try {
    return (await navigator.permissions.query({ name: DEVICES[kind] })).state === 'granted';
  } catch {
    return false; // This browser does not say: rather ask too seldom than twice.
  }
}
