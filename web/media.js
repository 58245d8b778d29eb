// Camera and microphone: opens the ones that are there, switches and mutes them, and notices when one goes.

import { DEVICES, INSECURE, Told, keptSentence, lostClause, missingSentence, noticeSentence, troubleClause } from './errors.js';

const WANTED = {
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15 } },
  // Noise suppression takes away what tells emotions apart, and nothing is played that could echo.
  audio: { noiseSuppression: false, echoCancellation: false, autoGainControl: true },
};
export const KINDS = ['audio', 'video'];

// Nobody reads and answers a prompt this fast: a quicker refusal is an old setting, not an answer.
const FASTER_THAN_A_PERSON_MS = 350;

/**
 * The two tracks of a session. A `change` event says that a track came or went, or was muted.
 *
 * A muted microphone goes on as silence, so that it can be heard again at once. A camera that is off is
 * closed, and its light goes out.
 */
export class Media extends EventTarget {
  #tracks = { audio: null, video: null };
  #isOff;
  #missing = {}; // by kind: why a device that is wanted is not there
  #turns = { audio: Promise.resolve(), video: Promise.resolve() };
  #signal;

  constructor(isOff, signal) {
    super();
    this.#isOff = { ...isOff };
    this.#signal = signal;
    signal.addEventListener('abort', () => KINDS.forEach((kind) => this.#close(kind)));
  }

  /**
   * Ask for the devices that are not off, and be content with one. All are closed when the signal aborts.
   * @param {{audio: string, video: string}} deviceIds the chosen ones; empty for whichever the browser takes
   * @param {{audio: boolean, video: boolean}} isOff whether the microphone is muted, the camera off
   * @param {AbortSignal} signal
   * @returns {Promise<Media>}
   * @throws {Told} none can be had
   */
  static async open(deviceIds, isOff, signal) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Told(INSECURE());
    const media = new Media(isOff, signal);
    const kinds = isOff.video ? ['audio'] : KINDS;
    const { tracks, failures } = await openTracks(kinds, deviceIds, signal);
    tracks.forEach((track) => media.#take(track));
    if (signal.aborted) tracks.forEach((track) => track.stop());
    signal.throwIfAborted();
    if (tracks.length === 0) throw new Told(missingSentence(failures));
    for (const [kind, error] of Object.entries(failures)) media.#missing[kind] = troubleClause(kind, error);
    return media;
  }

  /** @returns {?MediaStreamTrack} */
  track(kind) {
    return this.#tracks[kind];
  }

  isOff(kind) {
    return this.#isOff[kind];
  }

  /** What is missing now, and why; empty when nothing is. */
  get notice() {
    return noticeSentence(this.#missing);
  }

  /** Mute or unmute the microphone; turn the camera off or on. */
  async setOff(kind, isOff, deviceId) {
    this.#isOff[kind] = isOff;
    if (kind === 'video' && isOff) this.#close(kind);
    else if (this.#tracks[kind]) this.#tracks[kind].enabled = !isOff;
    this.#changed();
    if (!isOff && !this.#tracks[kind]) await this.use(kind, deviceId);
  }

  /**
   * Use another device, after the switches that are under way; the one before is kept where it cannot be had.
   * @throws {Told} it cannot be had
   */
  use(kind, deviceId) {
    const turn = this.#turns[kind].catch(() => {}).then(() => this.#switch(kind, deviceId));
    this.#turns[kind] = turn;
    return turn;
  }

  async #switch(kind, deviceId) {
    const isThere = !deviceId && this.#tracks[kind];
    if (this.#signal.aborted || isThere || (kind === 'video' && this.#isOff.video)) return;
    try {
      this.#replace(kind, await openOne(kind, deviceId));
    } catch (error) {
      if (!(await this.#madeRoom(kind, deviceId, error)) && !this.#signal.aborted) throw new Told(keptSentence(kind, error));
    }
    this.#changed();
  }

  /** Many phones cannot open two cameras at once: close the one before, and open it again if that is no help. */
  async #madeRoom(kind, deviceId, error) {
    const before = this.#tracks[kind];
    if (error.name !== 'NotReadableError' || !before) return false;
    before.stop();
    for (const id of [deviceId, before.getSettings().deviceId]) {
      const track = await openOne(kind, id).catch(() => null);
      if (!track) continue;
      this.#replace(kind, track);
      return id === deviceId;
    }
    this.#lose(kind);
    return false;
  }

  #replace(kind, track) {
    if (this.#signal.aborted || (kind === 'video' && this.#isOff.video)) return track.stop();
    this.#close(kind);
    this.#take(track);
  }

  #take(track) {
    const { kind } = track;
    this.#tracks[kind] = track;
    delete this.#missing[kind];
    track.enabled = !this.#isOff[kind];
    track.addEventListener('ended', () => {
      if (this.#tracks[kind] === track) this.#lose(kind);
    });
  }

  #lose(kind) {
    this.#tracks[kind] = null;
    this.#missing[kind] = lostClause(kind);
    this.#changed();
  }

  #close(kind) {
    this.#tracks[kind]?.stop(); // which fires no `ended`
    this.#tracks[kind] = null;
  }

  #changed() {
    if (!this.#signal.aborted) this.dispatchEvent(new Event('change'));
  }
}

async function openTracks(kinds, deviceIds, signal) {
  const askedAt = performance.now();
  try {
    const wishes = Object.fromEntries(kinds.map((kind) => [kind, wish(kind, deviceIds[kind])]));
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
  for (const kind of KINDS) {
    if (signal.aborted) break;
    if (error.name === 'NotAllowedError' && !quickly && !(await isGranted(kind))) {
      failures[kind] = error;
      continue;
    }
    try {
      tracks.push(await openOne(kind, deviceIds[kind]));
    } catch (failure) {
      failures[kind] = failure;
    }
  }
  return { tracks, failures };
}

async function openOne(kind, deviceId) {
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wish(kind, deviceId) });
  return stream.getTracks()[0];
}

function wish(kind, deviceId) {
  return deviceId ? { ...WANTED[kind], deviceId: { exact: deviceId } } : WANTED[kind];
}

async function isGranted(kind) {
  try {
    return (await navigator.permissions.query({ name: DEVICES[kind] })).state === 'granted';
  } catch {
    return false; // This browser does not say: rather ask too seldom than twice.
  }
}
