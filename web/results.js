// Reads the messages of one session: drops late ones, counts, and notices when none come any more.

import { Told } from './errors.js';

const VERSION = 1; // of the message schema in rtc/messages.py
const STALE_MS = 3000; // Older results are no longer what somebody expresses now.

/**
 * @param {AbortSignal} signal ends the reading
 * @param {object} reports
 * @param {(count: number) => void} reports.onCount every message that arrived
 * @param {(message: import('./view.js').EmotionMessage) => void} reports.onResult only those newer than all before
 * @param {(isStale: boolean) => void} reports.onStale whether results have stopped coming, or come again
 * @param {(reason: Told) => void} reports.onUnreadable
 */
export function readResults(signal, { onCount, onResult, onStale, onUnreadable }) {
  let count = 0;
  let newest = -1;
  let isStale = false;
  let timer;
  signal.addEventListener('abort', () => clearTimeout(timer));

  /** Expect a message soon from now on. */
  function expect() {
    clearTimeout(timer);
    timer = setTimeout(() => onStale((isStale = true)), STALE_MS);
  }

  function read(text) {
    const message = parsed(text);
    if (!message) return onUnreadable(new Told('The server’s messages are of another version: reload this page.'));
    onCount(++count);
    if (message.sequence <= newest) return; // The channel is unordered: something newer is shown already.
    newest = message.sequence;
    if (isStale) onStale((isStale = false));
    expect();
    onResult(message);
  }

  return { expect, read };
}

function parsed(text) {
  try {
    const message = JSON.parse(text);
    return message.version === VERSION ? message : null;
  } catch {
    return null;
  }
}
