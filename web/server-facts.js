// What the server says of itself before a session: its networks, and the ICE servers to use.

import { NO_ANSWER, Told, UNREACHABLE } from './errors.js';

const LIMIT_MS = 10_000;

/**
 * @returns {Promise<{models: Object<string, {name: string}>, ice_servers: RTCIceServer[]}>}
 * @throws {Told} it cannot be reached, or does not answer as it should
 */
export async function serverFacts() {
  const request = { cache: 'no-store', signal: AbortSignal.timeout(LIMIT_MS) };
  const response = await fetch('/config', request).catch((error) => {
    throw new Told(error.name === 'TimeoutError' ? NO_ANSWER : UNREACHABLE, { isPassing: true });
  });
  const facts = response.ok ? await response.json().catch(() => null) : null;
  if (!facts) throw new Told(NO_ANSWER, { isPassing: true });
  return facts;
}
