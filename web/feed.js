// One connection to a session that somebody else has: its events, or in words why there are none.

import { NO_ANSWER, Told, UNREACHABLE } from './errors.js';
import { inTime, readEvents } from './events.js';
import { authorization, refusalOf, token } from './server-facts.js';

const ANSWER_LIMIT_MS = 15_000;
const LOOK_AGAIN_MS = 2000; // for a session that is to begin
const FULL_MS = 10_000; // where the server does not say how long

const NO_TOKEN = 'This server asks for a token, and this link has none. Ask for the whole link: it has “token=” in it.';
const WRONG_TOKEN = 'The token in this link is not the server’s, or not any more. Ask for a new link.';
const CUT = 'The server ended the connection.';

/** Why nothing is to be seen, though all is well: nobody sends. */
export class Absent extends Told {
  /** @param {{hasEnded: boolean}} options whether somebody did */
  constructor(sentence, { hasEnded }) {
    super(sentence, { isPassing: true, retryAfter_ms: LOOK_AGAIN_MS });
    this.hasEnded = hasEnded;
  }
}

/**
 * Follow a session for as long as one connection lasts.
 * @param {{session: string, lastId: string}} place whose events, and which of them came last; empty for none
 * @param {AbortSignal} signal ends it
 * @param {{onUp: () => void, onEvent: (event: import('./events.js').StreamEvent) => void}} reports
 * @returns {Promise<Told>} why it ended
 * @throws {Told} why it did not come about, or broke
 */
export async function follow({ session, lastId }, signal, { onUp, onEvent }) {
  const headers = { Accept: 'text/event-stream', ...authorization(), ...(lastId && { 'Last-Event-ID': lastId }) };
  const asked = fetch(`/sessions/${session}/events`, { headers, cache: 'no-store', signal }).catch(() => {
    throw new Told(UNREACHABLE, { isPassing: true });
  });
  const response = await inTime(asked, ANSWER_LIMIT_MS, NO_ANSWER);
  if (!response.ok) throw await reasonOf(response);
  const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream');
  if (!isStream) throw new Told(NO_ANSWER, { isPassing: true });
  onUp();
  await readEvents(response.body, onEvent);
  return new Told(CUT, { isPassing: true });
}

async function reasonOf(response) {
  const { status } = response;
  const refusal = await refusalOf(response);
  const { message } = refusal;
  if (status === 404) return new Absent(message, { hasEnded: false });
  if (status === 410) return new Absent(message, { hasEnded: true });
  if (status === 401) return new Told(token() ? WRONG_TOKEN : NO_TOKEN, { isFinal: true });
  if (status === 429) return new Told(message, { isPassing: true, retryAfter_ms: refusal.retryAfter_ms || FULL_MS });
  if (status >= 500) return new Told(NO_ANSWER, { isPassing: true, retryAfter_ms: refusal.retryAfter_ms });
  return new Told(message, { isFinal: true });
}
