// What is sent, and how much of it: a picture no larger and no faster than the networks look at.

import { KINDS } from './media.js';

// Twice a second the newest picture is looked at, in which a face of 48 pixels is enough. What is
// sent beyond that costs the way there and the server, and shows nothing more.
const SHORT_SIDE = 240; // pixels
const LIMITS = { maxFramerate: 8, maxBitrate: 200_000 };

/**
 * Send both kinds for as long as the signal lasts, through all changes of devices. Both are offered even
 * where there is no device yet: it may be plugged in later.
 * @param {RTCPeerConnection} peer
 * @param {import('./media.js').Media} media
 * @param {AbortSignal} signal
 * @param {(sentence: string) => void} onTrouble
 */
export function sendTracks(peer, media, signal, onTrouble) {
  const senders = Object.fromEntries(KINDS.map((kind) => [kind, senderOf(peer, kind, media.track(kind))]));
  media.addEventListener('change', () => {
    for (const kind of KINDS) {
      if (senders[kind].track === media.track(kind)) continue;
      replace(senders[kind], media.track(kind)).catch((error) => {
        if (!signal.aborted) onTrouble(`The browser cannot send the other device: ${error.message}.`);
      });
    }
  }, { signal });
}

function senderOf(peer, kind, track) {
  const sendEncodings = kind === 'video' ? [encodingFor(track)] : undefined;
  return peer.addTransceiver(track ?? kind, { direction: 'sendonly', sendEncodings }).sender;
}

async function replace(sender, track) {
  await sender.replaceTrack(track);
  if (track?.kind !== 'video' || sender.track !== track) return;
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) return; // The browser will not be told; it sends more than is needed.
  Object.assign(parameters.encodings[0], encodingFor(track));
  await sender.setParameters(parameters).catch(() => {}); // as above: the device is sent in any case
}

/** How the pictures of a camera, whatever their size, are to be encoded. */
function encodingFor(track) {
  const { width, height } = track?.getSettings() ?? {};
  return { ...LIMITS, scaleResolutionDownBy: Math.max(1, Math.min(width ?? 0, height ?? 0) / SHORT_SIDE) };
}
