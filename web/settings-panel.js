// The sliders for voice weight and smoothing, and what the server answers to them.

import { element, write } from './dom.js';
import { TICK_INTERVAL_MS } from './results.js';
import { Settings } from './settings.js';

const SLIDERS = { w_voice: 'w-voice', voice_smooth_k: 'voice-smooth', face_smooth_k: 'face-smooth' };
const STEADY_MS = 150; // A slider that is being moved is asked for when it rests this long.

export class SettingsPanel {
  #settings = new Settings({
    onApplied: (message, wasWanted) => this.#show(message, wasWanted),
    onRefused: (words) => this.#say(words),
  });
  #timer;
  #moved = {};

  constructor() {
    for (const [field, id] of Object.entries(SLIDERS)) {
      element(id).addEventListener('input', () => {
        this.#moved[field] = Number(element(id).value);
        this.#write(field);
        this.#say('');
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#ask(), STEADY_MS);
      });
      this.#write(field);
    }
  }

  get inForce() {
    return this.#settings.inForce;
  }

  forget() {
    this.#settings.forget();
  }

  take(message) {
    this.#settings.take(message);
  }

  connect(send, signal) {
    this.#settings.connect(send);
    signal.addEventListener('abort', () => {
      this.#settings.disconnect();
      this.#say('');
    });
  }

  #ask() {
    this.#settings.change(this.#moved);
    this.#moved = {};
    if (!this.#settings.isConnected) this.#say('Applies when a session runs.');
  }

  /** Put the sliders where the server says, except those that are being moved. */
  #show(message, wasWanted) {
    for (const [field, id] of Object.entries(SLIDERS)) {
      if (message.most?.[field]) element(id).max = message.most[field];
      if (field in this.#moved) continue;
      element(id).value = message[field];
      this.#write(field);
    }
    if (wasWanted) this.#say('In force.');
  }

  #write(field) {
    const slider = element(SLIDERS[field]);
    const value = Number(slider.value);
    const words = field === 'w_voice' ? voiceShare(value) : smoothing(value);
    write(element(`${SLIDERS[field]}-value`), words);
    slider.setAttribute('aria-valuetext', words);
  }

  #say(words) {
    write(element('settings-answer'), words);
  }
}

const voiceShare = (weight) => `voice ${Math.round(weight * 100)} %, face ${Math.round((1 - weight) * 100)} %`;
const smoothing = (length) => (length === 1 ? 'none: the newest result' : `mean of ${length} results, ${(length * TICK_INTERVAL_MS) / 1000} s`);
