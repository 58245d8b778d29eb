// What the server says of itself before a session, how it can be reached, and the token that it may ask for.

import { NO_ANSWER, Told, UNREACHABLE } from './errors.js';

const LIMIT_MS = 10_000;
const TOKEN = 'token'; // its name in the address and in this tab's memory

/**
 * @typedef {object} Facts
 * @property {Object<string, {name: string}>} models
 * @property {RTCIceServer[]} ice_servers
 * @property {RTCIceTransportPolicy} ice_transport_policy "relay" where nothing but a TURN server may be used
 */

/**
 * @returns {Promise<Facts>}
 * @throws {Told} it cannot be reached, or does not answer as it should
 */
export async function serverFacts() {
  const request = { cache: 'no-store', headers: authorization(), signal: AbortSignal.timeout(LIMIT_MS) };
  const response = await fetch('/config', request).catch((error) => {
    throw new Told(error.name === 'TimeoutError' ? NO_ANSWER : UNREACHABLE, { isPassing: true });
  });
  if (response.status === 401) throw await refusalOf(response);
  const facts = response.ok ? await response.json().catch(() => null) : null;
  if (!facts) throw new Told(NO_ANSWER, { isPassing: true });
  return facts;
}

/** The server's own sentence for a refusal, which is passing where the server says when to come again. */
export async function refusalOf(response) {
  const body = await response.json().catch(() => null);
  const wait_s = Number(response.headers.get('Retry-After'));
  const told = body?.error ?? `The server refused the session without a reason (status ${response.status}).`;
  const words = told.replace(/[;.] try again in \d+ seconds?\.$/i, '.'); // which the page does, and counts down
  return new Told(words, { isPassing: wait_s > 0, retryAfter_ms: wait_s * 1000 });
}

/**
 * Taken once, as the page begins, from `#token=…`: what stands behind the # is sent to no server and in no referrer.
 * It leaves the address bar, so that it is in no screenshot, and stays in this tab for when the page is loaded again.
 */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.get(TOKEN)) return;
  sessionStorage.setItem(TOKEN, given.get(TOKEN));
  given.delete(TOKEN);
  const rest = String(given);
  window.history.replaceState(null, '', location.pathname + location.search + (rest && `#${rest}`));
}

/** @returns {?string} null where none was given */
export const token = () => sessionStorage.getItem(TOKEN);

/** @returns {Object<string, string>} the header that carries it; nothing where there is none */
export function authorization() {
  return token() ? { Authorization: `Bearer ${token()}` } : {};
}
