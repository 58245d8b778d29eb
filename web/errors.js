// Turns the names of errors into sentences for a person, so that nothing ends in the console alone.

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

const DEVICES = { video: 'camera', audio: 'microphone' };

const DEVICE_TROUBLE = {
  NotAllowedError: (device) =>
    `the ${device} was refused; allow it in the browser’s settings for this page, then press Start again`,
  NotFoundError: (device) => `no ${device} was found; plug one in, then press Start again`,
  NotReadableError: (device) => `the ${device} does not answer; another program may be using it`,
  OverconstrainedError: (device) => `the ${device} cannot deliver what this page asks for`,
  AbortError: (device) => `the ${device} could not be started`,
  SecurityError: (device) => `the browser forbids this page to use the ${device}`,
};

export const INSECURE =
  'The browser gives camera and microphone to secure pages only. Open this page as http://localhost on the server’s own ' +
  'machine, or start the server with --self-signed (or --cert-file and --key-file) and open it over https.';

export const OTHER_VERSION = 'The server’s messages are of another version: reload this page.';

export const UNREACHABLE = 'The server cannot be reached. Is it running, and is this computer online?';

export const NO_ANSWER = 'The server is there, but does not answer; it may be overloaded.';

export const LOST = 'The connection to the server was lost.';

const NO_UDP =
  'Most likely a firewall or a network without UDP lies between; a TURN server helps there: the server’s --ice-server setting names one.';

export const NO_PATH = `No way was found by which sound and picture could reach the server. ${NO_UDP}`;

export const TOO_SLOW = `No connection came about within 15 seconds. ${NO_UDP}`;

/**
 * Say which of camera and microphone is missing, and why.
 * @param {{video?: Error, audio?: Error}} failures what each missing device failed with
 */
export function missingSentence(failures) {
  const { video, audio } = failures;
  if (video && audio) return bothMissing(video, audio);
  if (video) return `Working with the microphone alone: ${trouble('video', video)}.`;
  if (audio) return `Working with the camera alone: ${trouble('audio', audio)}.`;
  return '';
}

/** Say that another device could not be had when the person chose one. */
export function notSwitchedSentence(kind, error) {
  const clause = trouble(kind, error).replace(/, then press Start again$/, '');
  return `Nothing was switched: ${clause}.`;
}

/** Say that a device fell silent in the middle of a session. */
export function lostDeviceSentence(kind) {
  return `The ${DEVICES[kind]} has stopped; it was unplugged, or its permission was withdrawn.`;
}

/** The sentence for any error that ends a session. */
export function sentence(error) {
  if (error instanceof Told) return error.message;
  return `Something unexpected went wrong (${error?.name ?? 'unknown'}: ${error?.message ?? error}).`;
}

const BOTH_TROUBLE = {
  NotAllowedError:
    'Camera and microphone were refused. Allow one of them in the browser’s settings for this page, then press Start again.',
  NotFoundError: 'No camera and no microphone were found. Plug one in, then press Start again.',
};

function bothMissing(video, audio) {
  if (video.name === audio.name && video.name in BOTH_TROUBLE) return BOTH_TROUBLE[video.name];
  return [trouble('video', video), trouble('audio', audio)]
    .map((clause) => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`)
    .join(' ');
}

function trouble(kind, error) {
  const device = DEVICES[kind];
  return DEVICE_TROUBLE[error.name]?.(device) ?? `the ${device} failed (${error.name}: ${error.message})`;
}
