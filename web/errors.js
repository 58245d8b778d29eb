// Turns the names of errors into sentences for a person, so that nothing ends in the console alone.

import { capitalised } from './emotions.js';

/** An error whose message is already a sentence for the person in front of the page. */
export class Told extends Error {
  name = 'Told';

  /**
   * @param {string} sentence
   * @param {object} [options]
   * @param {boolean} [options.isPassing] trying again later may help without anybody doing anything
   * @param {boolean} [options.isFinal] trying again never helps
   * @param {number} [options.retryAfter_ms] when the server wants to be asked again
   */
  constructor(sentence, { isPassing = false, isFinal = false, retryAfter_ms = 0 } = {}) {
    super(sentence);
    Object.assign(this, { isPassing, isFinal, retryAfter_ms });
  }
}

/** Say why a page is given no devices at all. */
export function noDevicesSentence() {
  if (isSecureContext) return 'This browser gives pages neither camera nor microphone; open this page in another one.';
  return (
    'The browser gives camera and microphone to secure pages only. On the server’s own machine open this page as ' +
    `http://localhost:${location.port || 80}; for others start the server with --self-signed (or --cert-file and ` +
    '--key-file) and open it over https.'
  );
}

export const OTHER_VERSION = 'The server’s messages are of another version: reload this page.';

export const UNREACHABLE = 'The server cannot be reached. Is it running, and is this computer online?';

export const NO_ANSWER = 'The server is there, but does not answer as it should; it may be overloaded.';

export const lost = () => new Told('The connection to the server was lost.', { isPassing: true });

/** Say that no media got through, and what is likely in the way. */
export function noPathSentence(iceServers, within_s = null) {
  const what = within_s
    ? `No connection came about within ${within_s} seconds.`
    : 'No way was found by which sound and picture could reach the server.';
  const why = iceServers.length
    ? 'A firewall may lie between, and the server that --ice-server names did not help: check its address and login.'
    : 'Most likely a firewall or a network without UDP lies between; a TURN server helps there, which the server’s --ice-server setting names.';
  return `${what} ${why}`;
}

/** The sentence for any error that ends a session. */
export function sentence(error) {
  if (error instanceof Told) return error.message;
  return `Something unexpected went wrong (${error?.name ?? 'unknown'}: ${error?.message ?? error}).`;
}

export const DEVICES = { video: 'camera', audio: 'microphone' };

const TROUBLE = {
  NotAllowedError: (device) => `the ${device} was refused; allow it in the browser’s settings for this page`,
  NotFoundError: (device) => `no ${device} was found; plug one in`,
  NotReadableError: (device) => `the ${device} does not answer; another program may be using it`,
  OverconstrainedError: (device) => `the ${device} cannot deliver what this page asks for, or is gone`,
  AbortError: (device) => `the ${device} could not be started`,
  SecurityError: (device) => `the browser forbids this page to use the ${device}`,
};

const BOTH_TROUBLE = {
  NotAllowedError:
    'Camera and microphone were refused. Allow one of them in the browser’s settings for this page, then press Start again.',
  NotFoundError: 'No camera and no microphone were found. Plug one in, then press Start again.',
};

/** Why a device cannot be had, as part of a sentence. */
export function troubleClause(kind, error) {
  const device = DEVICES[kind];
  return TROUBLE[error.name]?.(device) ?? `the ${device} failed (${error.name}: ${error.message})`;
}

/** Why a device that was there is not any more, as part of a sentence. */
export function lostClause(kind) {
  return `the ${DEVICES[kind]} has stopped: it was unplugged, or its permission was withdrawn`;
}

/**
 * Say why a session cannot begin.
 * @param {{video?: Error, audio?: Error}} failures what each device failed with
 */
export function missingSentence({ video, audio }) {
  if (video && audio && video.name === audio.name && video.name in BOTH_TROUBLE) return BOTH_TROUBLE[video.name];
  const clauses = Object.entries({ video, audio }).filter(([, error]) => error);
  return clauses.map(([kind, error]) => asSentence(`${troubleClause(kind, error)}, then press Start again`)).join(' ');
}

/**
 * Say with what a session goes on.
 * @param {{video?: string, audio?: string}} clauses why a device is not there
 * @param {boolean} isCameraOff the person has turned it off
 */
export function noticeSentence({ video, audio }, isCameraOff) {
  if (audio && isCameraOff) return `Nothing is sent any more: the camera is off, and ${audio}.`;
  if (video && audio) return `${asSentence(video)} ${asSentence(audio)}`;
  if (video) return `Working with the microphone alone: ${video}.`;
  if (audio) return `Working with the camera alone: ${audio}.`;
  return '';
}

/** Say that another device could not be had when the person chose one. */
export function keptSentence(kind, error) {
  return `Nothing was switched: ${troubleClause(kind, error)}.`;
}

const asSentence = (clause) => `${capitalised(clause)}.`;
