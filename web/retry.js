// Connects again and again, with growing pauses, for as long as waiting may help.

import { Told } from './errors.js';

const PAUSES_S = [1, 2, 4, 8, 15]; // The last one is used from then on.
const JITTER = 0.3; // of a pause, so that all pages of a restarted server do not come back at once

/**
 * @param {AbortSignal} signal ends it all
 * @param {object} parts
 * @param {(signal: AbortSignal, onUp: () => void) => Promise<Error>} parts.once one connection: calls `onUp` when
 *   it is up, resolves with the reason of its end, or throws why none came about
 * @param {(reason: Told, left_s: number) => void} parts.onWait each second of a pause
 * @returns {Promise<never>} throws the first reason that waiting does not mend
 */
export async function keepTrying(signal, { once, onWait }) {
  let failures = 0;
  let wasUp = false;
  for (;;) {
    const inner = new AbortController();
    signal.addEventListener('abort', () => inner.abort(signal.reason), { signal: inner.signal });
    const up = () => {
      failures = 0;
      wasUp = true;
    };
    const reason = await once(inner.signal, up).catch((error) => error);
    signal.throwIfAborted();
    inner.abort(reason);
    // What kept the first connection from coming about will keep the next ones too; what ended a
    // good one, and all that follows until the next, may pass.
    const mayPass = reason instanceof Told && (reason.isPassing || (wasUp && !reason.isFinal));
    if (!mayPass) throw reason;
    await pause(reason.retryAfter_ms || pause_ms(failures++), signal, (left_s) => onWait(reason, left_s));
  }
}

function pause_ms(failures) {
  const pause_s = PAUSES_S[Math.min(failures, PAUSES_S.length - 1)];
  return pause_s * 1000 * (1 + JITTER * Math.random());
}

/** Wait, and no longer once the person looks again or the network is back. */
function pause(length_ms, signal, onSecond) {
  return new Promise((resolve, reject) => {
    const until_ms = performance.now() + length_ms;
    const ending = new AbortController();
    const done = () => {
      ending.abort();
      clearTimeout(timer);
      resolve();
    };
    let timer;
    const tick = () => {
      const left_ms = until_ms - performance.now();
      if (left_ms <= 0) return done();
      onSecond(Math.ceil(left_ms / 1000));
      timer = setTimeout(tick, Math.min(left_ms, 1000));
    };
    addEventListener('online', done, { signal: ending.signal });
    document.addEventListener('visibilitychange', () => document.hidden || done(), { signal: ending.signal });
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { signal: ending.signal });
    tick();
  });
}
