// Reads the server's messages: drops late ones, counts how often they come, and notices when they stop.

import { OTHER_VERSION, Told } from './errors.js';

export const VERSION = 1; // of the message schema in rtc/messages.py
export const TICK_INTERVAL_MS = 500; // between two results, as rtc/config.py sets it; `/config` does not say
const STALE_MS = 3000; // Older results are no longer what somebody expresses now.
const SILENT_MS = 5000;
const RATE_OVER_MS = 5000;

/**
 * @typedef {{label: string, probabilities: Object<string, number>, age_ms: number}} Modality
 * @typedef {{x: number, y: number, width: number, height: number}} Box shares of the picture, from the top left
 * @typedef {{label: string, probability: number}} Ranked
 * @typedef {object} EmotionMessage version 1, as in rtc/messages.py
 * @property {number} version
 * @property {"emotion"} type
 * @property {number} sequence
 * @property {"both" | "voice" | "face" | "none"} evidence
 * @property {?Modality} voice
 * @property {?(Modality & {box: Box})} face
 * @property {?Modality} fused
 * @property {Ranked[]} top5
 * @property {number} audio_level
 * @property {?number} latency_ms
 * @property {?number} picture_time_ms
 * @property {?number} sound_time_ms
 */

/**
 * @param {AbortSignal} signal ends the reading
 * @param {object} reports
 * @param {(message: EmotionMessage, rate_hz: number, at_ms: number) => void} reports.onResult only those newer than all before
 * @param {(isStale: boolean) => void} reports.onStale whether results have stopped coming, or come again
 * @param {() => void} reports.onSilent none has come for long
 * @param {(message: object) => void} reports.onSettings an answer to a settings message
 * @param {(notice: {code: string, text: string}) => void} reports.onNotice something that the person should know
 * @param {(reason: Told) => void} reports.onEnd no more is to come that could be read, and trying again is vain
 * @param {(message: EmotionMessage) => number} [arrivedAt_ms] on the clock of `performance.now()`
 * @returns {{read: (text: string) => void, expect: () => void}}
 */
export function readResults(signal, { onResult, onStale, onSilent, onSettings, onNotice, onEnd }, arrivedAt_ms = () => performance.now()) {
  let newest = -1;
  let isStale = false;
  let timer;
  const arrivals = [];
  signal.addEventListener('abort', () => clearTimeout(timer));

  /** A connection that is up and brings nothing is as stale as one whose results stopped. */
  function expect() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      onStale((isStale = true));
      timer = setTimeout(onSilent, SILENT_MS - STALE_MS);
    }, STALE_MS);
  }

  function read(text) {
    const message = parsed(text);
    if (!message) return onEnd(new Told(OTHER_VERSION, { isFinal: true }));
    if (message.type === 'settings' || message.type === 'refusal') return onSettings(message);
    if (message.type === 'notice') return onNotice(message);
    if (message.type !== 'emotion') return; // of a newer server; the rest of it is understood
    if (message.sequence <= newest) return; // The channel is unordered: something newer is shown already.
    newest = message.sequence;
    if (isStale) onStale((isStale = false));
    expect();
    const at_ms = arrivedAt_ms(message);
    onResult(message, rateWith(at_ms), at_ms);
  }

  function rateWith(now_ms) {
    arrivals.push(now_ms);
    while (now_ms - arrivals[0] > RATE_OVER_MS) arrivals.shift();
    return arrivals.length > 1 ? ((arrivals.length - 1) * 1000) / (now_ms - arrivals[0]) : 0;
  }

  return { read, expect };
}

function parsed(text) {
  try {
    const message = JSON.parse(text);
    return message.version === VERSION ? message : null;
  } catch {
    return null;
  }
}
