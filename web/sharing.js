// Links by which others see a session, and buttons that copy them.

import { element, write } from './dom.js';
import { token } from './server-facts.js';

const SAID_MS = 5000;
const CHANGED = 'The link to watch is another one now: who had the old one needs it.';
const BY_HAND = 'This browser lets no page copy here. Copy it yourself:';

/** The page that shows a session. Both stand behind the #, and so are sent to no server with the address. */
export function watchLink(session) {
  const given = new URLSearchParams(token() ? { session, token: token() } : { session });
  return `${location.origin}/watch#${given}`;
}

/**
 * Have a button copy a text, and say so beside it; where the browser forbids it, show the text.
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} answer a live region
 * @param {() => string} textOf asked at each click
 * @param {string} done what is said then
 */
export function copies(button, answer, textOf, done) {
  const field = Object.assign(document.createElement('input'), { readOnly: true, hidden: true });
  field.ariaLabel = button.textContent;
  answer.after(field);
  let timer;
  button.addEventListener('click', async () => {
    clearTimeout(timer);
    field.value = textOf();
    // Pages without https have no clipboard at all.
    const isCopied = await navigator.clipboard?.writeText(field.value).then(() => true, () => false);
    field.hidden = Boolean(isCopied);
    write(answer, isCopied ? done : BY_HAND);
    if (isCopied) timer = setTimeout(() => write(answer, ''), SAID_MS);
    else field.select();
  });
}

/** The button for the link to one session after the other. */
export class WatchLink {
  #session = '';
  #copied = '';

  constructor() {
    const link = () => watchLink((this.#copied = this.#session));
    const done = token() ? 'Copied. The link holds this server’s token.' : 'Copied. Whoever has the link can watch.';
    copies(element('copy-link'), element('copied'), link, done);
    element('share').hidden = false;
  }

  /**
   * @param {string} session the one to be watched from now on
   * @returns {string} that the link which was copied last shows it no more; else empty
   */
  show(session) {
    this.#session = session;
    return this.#copied && this.#copied !== session ? CHANGED : '';
  }
}
