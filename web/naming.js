// Which session this page watches: the one that its address names, or one that is still to be.

import { Told, UNREACHABLE } from './errors.js';
import { authorization, refusalOf } from './server-facts.js';

const NAMED = /^[A-Za-z0-9_-]{22,64}$/; // as the server names them

/** @returns {?string} null where the address names none, "" where what it names cannot be a session */
export function sessionOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('session');
  if (given === null) return null;
  return NAMED.test(given) ? given : '';
}

/**
 * Have the server make names for a session that somebody is to send; what watches it goes into this page's address.
 * @returns {Promise<{session: string, whip: string}>} what to watch, and the path to send to
 * @throws {Told} the server cannot be reached, or refuses
 */
export async function newSession() {
  const response = await fetch('/sessions', { method: 'POST', headers: authorization() }).catch(() => {
    throw new Told(UNREACHABLE);
  });
  if (!response.ok) throw await refusalOf(response);
  const names = await response.json();
  window.history.replaceState(null, '', `#session=${names.session}`);
  return names;
}
