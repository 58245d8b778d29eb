// Camera and microphone: opens the ones that are there, switches and mutes them, and notices when one goes.

import { INSECURE, Told, lostDeviceSentence, missingSentence, notSwitchedSentence } from './errors.js';

const WANTED = {
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } },
  // Noise suppression takes away what tells emotions apart, and nothing is played that could echo.
  audio: { noiseSuppression: false, echoCancellation: false, autoGainControl: true },
};
export const KINDS = ['audio', 'video'];

// Nobody reads and answers a prompt this fast: a quicker refusal is an old setting, not an answer.
const FASTER_THAN_A_PERSON_MS = 350;

/**
 * The two tracks of a session. A `change` event says that a track came, went or was muted; a `lost`
 * event, whose detail is a sentence, that a device stopped by itself.
 */
export class Media extends EventTarget {
  #tracks = { audio: null, video: null };
  #muted = { audio: false, video: false };
  #missing = '';

  /**
   * Ask for both devices, and be content with one. All are stopped when the signal aborts.
   * @param {{audio: string, video: string}} deviceIds the chosen ones; empty for whichever the browser takes
   * @param {AbortSignal} signal
   * @returns {Promise<Media>}
   * @throws {Told} neither can be had
   */
  static async open(deviceIds, signal) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Told(INSECURE);
    const media = new Media();
    signal.addEventListener('abort', () => media.#stop());
    const { tracks, missing } = await openTracks(deviceIds, signal);
    for (const track of tracks) media.#take(track);
    media.#missing = missing;
    if (signal.aborted) media.#stop();
    signal.throwIfAborted();
    return media;
  }

  /** Says which device is not there and why, or is empty. */
  get missing() {
    return this.#missing;
  }

  /** @returns {?MediaStreamTrack} */
  track(kind) {
    return this.#tracks[kind];
  }

  isMuted(kind) {
    return this.#muted[kind];
  }

  /** A muted track goes on as silence or as black: nothing has to be agreed upon anew. */
  setMuted(kind, muted) {
    this.#muted[kind] = muted;
    if (this.#tracks[kind]) this.#tracks[kind].enabled = !muted;
    this.#tell('change');
  }

  /**
   * Use another device; the one before is kept where the other cannot be had.
   * @throws {Told} it cannot be had
   */
  async switchTo(kind, deviceId) {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted(kind, deviceId) });
    } catch (error) {
      throw new Told(notSwitchedSentence(kind, error));
    }
    const before = this.#tracks[kind];
    this.#take(stream.getTracks()[0]);
    before?.stop();
    if (KINDS.every((each) => this.#tracks[each])) this.#missing = '';
    this.#tell('change');
  }

  #take(track) {
    this.#tracks[track.kind] = track;
    track.enabled = !this.#muted[track.kind];
    track.addEventListener('ended', () => {
      if (this.#tracks[track.kind] !== track) return;
      this.#tracks[track.kind] = null;
      this.#tell('lost', lostDeviceSentence(track.kind));
      this.#tell('change');
    });
  }

  #stop() {
    for (const kind of KINDS) {
      this.#tracks[kind]?.stop(); // which fires no `ended`
      this.#tracks[kind] = null;
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

async function openTracks(deviceIds, signal) {
  const askedAt = performance.now();
  try {
    const both = { audio: wanted('audio', deviceIds.audio), video: wanted('video', deviceIds.video) };
    return { tracks: (await navigator.mediaDevices.getUserMedia(both)).getTracks(), missing: '' };
  } catch (error) {
    signal.throwIfAborted();
    const quickly = performance.now() - askedAt < FASTER_THAN_A_PERSON_MS;
    return openEach(deviceIds, error, quickly, signal);
  }
}

/** Ask for each device alone, leaving out those that a person has just refused. */
async function openEach(deviceIds, error, quickly, signal) {
  const tracks = [];
  const failures = {};
  for (const kind of KINDS) {
    if (signal.aborted) break;
    if (error.name === 'NotAllowedError' && !quickly && !(await isGranted(kind))) {
      failures[kind] = error;
      continue;
    }
    try {
      const alone = { [kind]: wanted(kind, deviceIds[kind]) };
      tracks.push(...(await navigator.mediaDevices.getUserMedia(alone)).getTracks());
    } catch (failure) {
      failures[kind] = failure;
    }
  }
  const missing = missingSentence(failures);
  if (tracks.length === 0 && !signal.aborted) throw new Told(missing);
  return { tracks, missing };
}

function wanted(kind, deviceId) {
  return deviceId ? { ...WANTED[kind], deviceId: { exact: deviceId } } : WANTED[kind];
}

async function isGranted(kind) {
  const name = { video: 'camera', audio: 'microphone' }[kind];
  try {
    return (await navigator.permissions.query({ name })).state === 'granted';
  } catch {
    return false; // This browser does not say: rather ask too seldom than twice.
  }
}
