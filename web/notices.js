// What is to be said while a session goes on: from several sources, each of which takes back only its own.

const READING_MS = 10_000; // for what the server tells once

export class Notices {
  #said = {};
  #show;

  /** @param {(text: string) => void} show all of it, or an empty text */
  constructor(show) {
    this.#show = show;
  }

  /** @param {{wait?: string, told?: string, trouble?: string, missing?: string}} news by source; an empty text takes it back */
  say(news) {
    Object.assign(this.#said, news);
    const { wait, told, trouble, missing } = this.#said;
    this.#show([wait, told, trouble || missing].filter(Boolean).join(' '));
  }

  /** Say what the server tells of the session, for as long as it takes to read it. */
  tell(told) {
    this.say({ told });
    setTimeout(() => this.#said.told === told && this.say({ told: '' }), READING_MS);
  }

  /** Forget all of it, and leave what is shown as it is. */
  forget() {
    this.#said = {};
  }
}
