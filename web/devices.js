// The choice of camera and microphone, and their off buttons, before a session and during one.

import { element } from './dom.js';
import { DEVICES } from './errors.js';
import { KINDS } from './media.js';

const LISTS = { audio: 'microphone', video: 'camera-choice' };
const OFF_BUTTONS = { audio: 'mute', video: 'camera-off' };
const OFF_WORDS = { audio: ['Mute', 'Unmute'], video: ['Turn off', 'Turn on'] };

export class DeviceControls {
  /** Chosen devices, by kind; empty for whichever the browser takes. */
  chosen = { audio: '', video: '' };
  /** Whether the microphone is muted, the camera off. */
  isOff = { audio: false, video: false };
  #media = null;
  #found = { audio: [], video: [] }; // ids of the devices that are there
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
    for (const kind of KINDS) this.#catchUp(kind);
    this.refresh();
  }

  /** List the devices that are there; their names are known once the browser may use them. */
  async refresh() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => null)) ?? [];
    for (const kind of KINDS) {
      const found = devices.filter((device) => device.kind === `${kind}input` && device.deviceId);
      if (found.length && !found.some(({ deviceId }) => deviceId === this.chosen[kind])) this.chosen[kind] = '';
      this.#found[kind] = found.map(({ deviceId }) => deviceId);
      this.#showList(kind, found);
    }
  }

  #showList(kind, found) {
    const name = DEVICES[kind];
    const options = found.map(({ deviceId, label }, index) => new Option(label || `${name} ${index + 1}`, deviceId));
    // While none is in use each of them must be there to be chosen.
    if (options.length && this.#isMissing(kind)) options.unshift(new Option(`Choose a ${name}`, ''));
    if (!options.length) options.push(new Option(`The browser’s ${name}`, ''));
    const list = element(LISTS[kind]);
    list.replaceChildren(...options);
    list.value = this.#inUse(kind) || (this.#isMissing(kind) ? '' : this.chosen[kind]);
    if (list.selectedIndex < 0) list.selectedIndex = 0;
    list.disabled = options.length < 2;
  }

  #inUse(kind) {
    return this.#media?.track(kind)?.getSettings().deviceId;
  }

  #isMissing(kind) {
    return Boolean(this.#media) && !this.#media.track(kind) && !(kind === 'video' && this.isOff.video);
  }

  /** Do what was asked for while the browser was still opening the devices. */
  #catchUp(kind) {
    const isLate = this.chosen[kind] && this.#inUse(kind) && this.#inUse(kind) !== this.chosen[kind];
    if (isLate) this.#choose(kind, this.chosen[kind]);
    else if (this.#isMissing(kind) && !this.#media.isMissing(kind)) this.#try(kind, () => this.#media.use(kind, this.chosen[kind]));
  }

  async #choose(kind, deviceId) {
    this.chosen[kind] = deviceId;
    await this.#try(kind, () => this.#media?.use(kind, deviceId));
  }

  async #setOff(kind, isOff) {
    this.isOff[kind] = isOff;
    showOff(kind, isOff);
    await this.#try(kind, () => this.#media?.applyOff(kind, this.chosen[kind]));
  }

  async #try(kind, change) {
    const media = this.#media;
    try {
      await change();
      if (media === this.#media) this.#onTrouble('');
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
      // It was no worse before: what cannot be had is said already.
      await this.#media?.takeBack(kind, this.#found[kind]).catch(() => {});
    }
    await this.refresh();
  }
}

/** The button says what it will do, as its colour alone could be read either way. */
function showOff(kind, isOff) {
  const button = element(OFF_BUTTONS[kind]);
  const words = OFF_WORDS[kind][Number(isOff)];
  button.textContent = words;
  button.ariaLabel = `${words} ${DEVICES[kind]}`;
  button.dataset.off = isOff;
}
