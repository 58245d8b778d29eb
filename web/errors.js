// Turns the names of errors into sentences for a person, so that nothing ends in the console alone.

/** An error whose message is already a sentence for the person in front of the page. */
export class Told extends Error {
  name = 'Told';
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
  'The browser gives camera and microphone to secure pages only: open this page over https, or as localhost.';

export const UNREACHABLE = 'The server cannot be reached. Is it running, and is this computer online?';

export const TOO_SLOW =
  'No connection came about within 15 seconds: the server does not answer, or something on the way blocks UDP.';

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
