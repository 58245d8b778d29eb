// The choice of camera and microphone, and their mute buttons, before a session and during one.

import { KINDS } from './media.js';

const NAMES = { audio: 'microphone', video: 'camera' };
const LISTS = { audio: 'microphone', video: 'camera-choice' };
const MUTE_WORDS = { audio: ['Mute', 'Unmute'], video: ['Turn off', 'Turn on'] };

const element = (id) => document.getElementById(id);

export class DeviceControls {
  /** Chosen devices, by kind; empty for whichever the browser takes. */
  chosen = { audio: '', video: '' };
  muted = { audio: false, video: false };
  #media = null;
  #onTrouble;

  /** @param {(sentence: string) => void} onTrouble when a device cannot be had */
  constructor(onTrouble) {
    this.#onTrouble = onTrouble;
    for (const kind of KINDS) {
      element(LISTS[kind]).addEventListener('change', ({ target }) => this.#choose(kind, target.value));
      element(`mute-${kind}`).addEventListener('click', () => this.#mute(kind, !this.muted[kind]));
      this.#mute(kind, false);
    }
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#onPlugged());
    this.refresh();
  }

  /** Control a session's media from now on, until the signal aborts. */
  attach(media, signal) {
    this.#media = media;
    signal.addEventListener('abort', () => (this.#media = null));
    for (const kind of KINDS) media.setMuted(kind, this.muted[kind]);
    this.refresh();
  }

  /** List the devices that are there; their names are known once the browser may use them. */
  async refresh() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => null)) ?? [];
    for (const kind of KINDS) {
      const found = devices.filter((device) => device.kind === `${kind}input` && device.deviceId);
      const inUse = this.#media?.track(kind)?.getSettings().deviceId;
      if (!found.some(({ deviceId }) => deviceId === this.chosen[kind])) this.chosen[kind] = '';
      const list = element(LISTS[kind]);
      list.replaceChildren(
        ...(found.length ? found : [{ deviceId: '', label: `The browser’s ${NAMES[kind]}` }]).map(
          ({ deviceId, label }, index) => new Option(label || `${NAMES[kind]} ${index + 1}`, deviceId),
        ),
      );
      list.value = this.chosen[kind] || inUse || found[0]?.deviceId || '';
      list.disabled = found.length < 2;
    }
  }

  async #choose(kind, deviceId) {
    const before = this.chosen[kind];
    this.chosen[kind] = deviceId;
    try {
      await this.#media?.switchTo(kind, deviceId);
    } catch (error) {
      this.chosen[kind] = before;
      this.#onTrouble(error.message);
    }
    this.refresh();
  }

  #mute(kind, muted) {
    this.muted[kind] = muted;
    const button = element(`mute-${kind}`);
    button.ariaPressed = String(muted);
    button.textContent = MUTE_WORDS[kind][Number(muted)];
    button.ariaLabel = `${MUTE_WORDS[kind][Number(muted)]} ${NAMES[kind]}`;
    this.#media?.setMuted(kind, muted);
  }

  /** A device that was missing may be there now: take it without being asked. */
  async #onPlugged() {
    await this.refresh();
    for (const kind of KINDS) {
      const isThere = Boolean(element(LISTS[kind]).value);
      if (this.#media && !this.#media.track(kind) && isThere) {
        await this.#media.switchTo(kind, this.chosen[kind]).catch(() => {}); // It was no worse before.
      }
    }
  }
}
