// Which session this page watches: the one that its address names, or one that is still to be.

const NAMED = /^[A-Za-z0-9_-]{22,64}$/; // as the server takes it
const RANDOM_BYTES = 24; // nobody guesses them

/** @returns {?string} null where the address names none, "" where what it names cannot be a session */
export function sessionOfAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('session');
  if (given === null) return null;
  return NAMED.test(given) ? given : '';
}

/** Make a name for a session that somebody is to send, and put it into this page's address. */
export function newSession() {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
  const session = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_');
  window.history.replaceState(null, '', `#session=${session}`);
  return session;
}
