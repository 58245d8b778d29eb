// The choice of camera and microphone, and their off buttons, before a session and during one.

import { DEVICES } from './errors.js';
import { KINDS } from './media.js';

const LISTS = { audio: 'microphone', video: 'camera-choice' };
const OFF_BUTTONS = { audio: 'mute', video: 'camera-off' };

const element = (id) => document.getElementById(id);

export class DeviceControls {
  /** Chosen devices, by kind; empty for whichever the browser takes. */
  chosen = { audio: '', video: '' };
  /** Whether the microphone is muted, the camera off. */
  isOff = { audio: false, video: false };
  #media = null;
  #onTrouble;

  /** @param {(sentence: string) => void} onTrouble when a device cannot be had; empty when one can again */
  constructor(onTrouble) {
    this.#onTrouble = onTrouble;
    for (const kind of KINDS) {
      element(LISTS[kind]).addEventListener('change', ({ target }) => this.#choose(kind, target.value));
      element(OFF_BUTTONS[kind]).addEventListener('click', () => this.#setOff(kind, !this.isOff[kind]));
    }
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#onPlugged());
    this.refresh();
  }

  /** Control a session's media from now on, until the signal aborts. */
  attach(media, signal) {
    this.#media = media;
    signal.addEventListener('abort', () => (this.#media = null));
    this.refresh();
  }

  /** List the devices that are there; their names are known once the browser may use them. */
  async refresh() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => null)) ?? [];
    for (const kind of KINDS) {
      const found = devices.filter((device) => device.kind === `${kind}input` && device.deviceId);
      const shown = found.length ? found : [{ deviceId: '', label: `The browser’s ${DEVICES[kind]}` }];
      const inUse = this.#media?.track(kind)?.getSettings().deviceId;
      const list = element(LISTS[kind]);
      list.replaceChildren(
        ...shown.map(({ deviceId, label }, index) => new Option(label || `${DEVICES[kind]} ${index + 1}`, deviceId)),
      );
      list.value = inUse || this.chosen[kind];
      if (list.selectedIndex < 0) list.selectedIndex = 0;
      list.disabled = found.length < 2;
    }
  }

  async #choose(kind, deviceId) {
    this.chosen[kind] = deviceId;
    await this.#try(kind, () => this.#media?.use(kind, deviceId));
  }

  async #setOff(kind, isOff) {
    this.isOff[kind] = isOff;
    element(OFF_BUTTONS[kind]).ariaPressed = String(isOff);
    await this.#try(kind, () => this.#media?.setOff(kind, isOff, this.chosen[kind]));
  }

  async #try(kind, change) {
    const media = this.#media;
    try {
      await change();
      if (media) this.#onTrouble('');
    } catch (error) {
      this.chosen[kind] = media?.track(kind)?.getSettings().deviceId ?? '';
      if (media === this.#media) this.#onTrouble(error.message);
    }
    await this.refresh();
  }

  /** A device that was missing may be there now: take it without being asked. */
  async #onPlugged() {
    await this.refresh();
    for (const kind of KINDS) {
      const isMissing = this.#media && !this.#media.track(kind) && !(kind === 'video' && this.isOff.video);
      // It was no worse before: what cannot be had is said already.
      if (isMissing && element(LISTS[kind]).value) await this.#media.use(kind, '').catch(() => {});
    }
    await this.refresh();
  }
}
