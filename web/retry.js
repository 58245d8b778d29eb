// Connects again and again, with growing pauses, for as long as waiting may help.

import { Told } from './errors.js';

const PAUSES_S = [1, 2, 4, 8, 15]; // The last one is used from then on.
const JITTER = 0.3; // of a pause, so that all pages of a restarted server do not come back at once
const GOOD_MS = 10_000; // Pauses begin anew after a connection that lasted this long.

/**
 * @param {AbortSignal} signal ends it all
 * @param {object} parts
 * @param {(signal: AbortSignal, onUp: () => void) => Promise<Error>} parts.connectOnce one connection: calls `onUp` when
 *   it is up, resolves with the reason of its end, or throws why none came about
 * @param {(reason: Told, left_s: number) => void} parts.onWait each second of a pause
 * @returns {Promise<never>} throws the first reason that waiting does not mend
 */
export async function keepTrying(signal, { connectOnce, onWait }) {
  let failures = 0;
  let wasUp = false;
  let upAt_ms = Infinity;
  for (;;) {
    signal.throwIfAborted();
    const inner = new AbortController();
    signal.addEventListener('abort', () => inner.abort(signal.reason), { signal: inner.signal });
    const onUp = () => {
      wasUp = true;
      upAt_ms = performance.now();
    };
    const reason = await connectOnce(inner.signal, onUp).catch((error) => error);
    signal.throwIfAborted();
    inner.abort(reason);
    // What kept the first connection from coming about will keep the next ones too; what ended a
    // good one, and all that follows until the next, may pass.
    const mayPass = reason instanceof Told && (reason.isPassing || (wasUp && !reason.isFinal));
    if (!mayPass) throw reason;
    if (performance.now() - upAt_ms > GOOD_MS) failures = 0;
    upAt_ms = Infinity;
    const isDictated = reason.retryAfter_ms > 0;
    const length_ms = isDictated ? reason.retryAfter_ms : 1000 * PAUSES_S[Math.min(failures++, PAUSES_S.length - 1)];
    await pause(length_ms * (1 + JITTER * Math.random()), isDictated, signal, (left_s) => onWait(reason, left_s));
  }
}

/** Wait; unless the server said how long, no longer once the person looks again or the network is back. */
function pause(length_ms, isDictated, signal, onSecond) {
  return new Promise((resolve, reject) => {
    const until_ms = performance.now() + length_ms;
    const ending = new AbortController();
    let timer;
    const done = (settle) => {
      ending.abort();
      clearTimeout(timer);
      settle();
    };
    const tick = () => {
      const left_ms = until_ms - performance.now();
      if (left_ms <= 0) return done(resolve);
      onSecond(Math.ceil(left_ms / 1000));
      timer = setTimeout(tick, Math.min(left_ms, 1000));
    };
    const inTime = { signal: ending.signal };
    if (!isDictated) {
      addEventListener('online', () => done(resolve), inTime);
      document.addEventListener('visibilitychange', () => document.hidden || done(resolve), inTime);
    }
    signal.addEventListener('abort', () => done(() => reject(signal.reason)), inTime);
    tick();
  });
}
