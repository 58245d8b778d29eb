// Camera and microphone of a session: switches and mutes them, and notices when one goes.

import { Told, keptSentence, lostClause, missingSentence, noDevicesSentence, noticeSentence, troubleClause } from './errors.js';
import { openOne, openTracks } from './open-devices.js';

export const KINDS = ['audio', 'video'];

/**
 * The two tracks of a session. A `change` event says that a track came or went, or was muted.
 *
 * A muted microphone goes on as silence, so that it can be heard again at once. A camera that is off is
 * closed, and its light goes out.
 */
export class Media extends EventTarget {
  #tracks = { audio: null, video: null };
  #isOff; // not a copy: who mutes while the browser still asks is muted from the first sample on
  #missing = {}; // by kind: why a device that is wanted is not there
  #awaited = {}; // by kind: the device that has gone; empty for any, where none was found
  #turns = { audio: Promise.resolve(), video: Promise.resolve() };
  #signal;

  constructor(isOff, signal) {
    super();
    this.#isOff = isOff;
    this.#signal = signal;
    signal.addEventListener('abort', () => KINDS.forEach((kind) => this.#close(kind)));
  }

  /**
   * Ask for the devices that are not off, and be content with one. All are closed when the signal aborts.
   * @param {{audio: string, video: string}} deviceIds the chosen ones; empty for whichever the browser takes
   * @param {{audio: boolean, video: boolean}} isOff whether the microphone is muted, the camera off; read whenever it matters
   * @param {AbortSignal} signal
   * @returns {Promise<Media>}
   * @throws {Told} none can be had
   */
  static async open(deviceIds, isOff, signal) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Told(noDevicesSentence());
    const media = new Media(isOff, signal);
    const kinds = isOff.video ? ['audio'] : KINDS;
    const { tracks, failures } = await openTracks(kinds, deviceIds, signal);
    tracks.forEach((track) => media.#replace(track.kind, track));
    signal.throwIfAborted();
    if (tracks.length === 0) throw new Told(missingSentence(failures));
    for (const [kind, error] of Object.entries(failures)) {
      media.#missing[kind] = troubleClause(kind, error);
      if (error.name === 'NotFoundError') media.#awaited[kind] = '';
    }
    return media;
  }

  /** @returns {?MediaStreamTrack} */
  track(kind) {
    return this.#tracks[kind];
  }

  isOff(kind) {
    return this.#isOff[kind];
  }

  /** Whether the browser or the system has paused a device, as phones do for a call. */
  isPaused(kind) {
    return this.#tracks[kind]?.muted ?? false;
  }

  /** Whether a device is wanted, and has not come or has gone. */
  isMissing(kind) {
    return kind in this.#missing;
  }

  /** What is missing now, and why; empty when nothing is. */
  get notice() {
    return noticeSentence(this.#missing, this.#isOff.video);
  }

  /** Do what `isOff` says now: mute or unmute the microphone; close the camera, or open it. */
  async applyOff(kind, deviceId) {
    const isOff = this.#isOff[kind];
    if (kind === 'video' && isOff) this.#close(kind);
    else if (this.#tracks[kind]) this.#tracks[kind].enabled = !isOff;
    this.#changed();
    if (!isOff && !this.#tracks[kind]) await this.use(kind, deviceId);
  }

  /** Take back a device that had gone, once it is among these. Another one is the person's to choose. */
  async takeBack(kind, deviceIds) {
    const awaited = this.#awaited[kind];
    const isBack = awaited === '' ? deviceIds.length > 0 : deviceIds.includes(awaited);
    if (isBack && !this.#tracks[kind]) await this.use(kind, awaited);
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
    } finally {
      this.#changed();
    }
  }

  /** Many phones cannot open two cameras at once: close the one before, and open it again if that is no help. */
  async #madeRoom(kind, deviceId, error) {
    const before = this.#tracks[kind];
    if (error.name !== 'NotReadableError' || !before) return false;
    const beforeId = before.getSettings().deviceId;
    before.stop();
    for (const id of [deviceId, beforeId]) {
      const track = await openOne(kind, id).catch(() => null);
      if (!track) continue;
      this.#replace(kind, track);
      return id === deviceId;
    }
    this.#lose(kind, beforeId);
    return false;
  }

  #replace(kind, track) {
    if (this.#signal.aborted || (kind === 'video' && this.#isOff.video)) return track.stop();
    this.#close(kind);
    this.#take(track);
  }

  #take(track) {
    const { kind } = track;
    const { deviceId } = track.getSettings();
    this.#tracks[kind] = track;
    delete this.#missing[kind];
    delete this.#awaited[kind];
    track.enabled = !this.#isOff[kind];
    track.addEventListener('ended', () => {
      if (this.#tracks[kind] === track) this.#lose(kind, deviceId);
    });
    for (const name of ['mute', 'unmute']) track.addEventListener(name, () => this.#changed());
  }

  #lose(kind, deviceId) {
    this.#tracks[kind] = null;
    this.#missing[kind] = lostClause(kind);
    this.#awaited[kind] = deviceId;
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
