// What the server says of itself before a session: its networks, and the ICE servers to use.

import { NO_ANSWER, Told, UNREACHABLE } from './errors.js';

const LIMIT_MS = 10_000;

/**
 * @returns {Promise<{models: Object<string, {name: string}>, ice_servers: RTCIceServer[]}>}
 * @throws {Told} it cannot be reached
 */
export async function serverFacts() {
  try {
    const response = await fetch('/config', { cache: 'no-store', signal: AbortSignal.timeout(LIMIT_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.json();
  } catch (error) {
    throw new Told(error.name === 'TimeoutError' ? NO_ANSWER : UNREACHABLE, { isPassing: true });
  }
}
