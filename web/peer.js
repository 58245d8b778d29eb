// The WebRTC connection: offers the tracks to the server, and hands on what comes over the data channel.

import { Told, UNREACHABLE } from './errors.js';

const GATHERING_LIMIT_MS = 1000; // Then the offer goes out with the addresses that are known.
const DISCONNECTED_LIMIT_MS = 5000; // A short loss heals by itself.
const FAREWELL_LIMIT_MS = 3000; // A connection that was given up is closed after this in any case.

/**
 * Connect the stream to the server; resolves when the data channel is open.
 * When the signal aborts the session ends, and nothing is reported after that.
 * @param {MediaStream} stream
 * @param {AbortSignal} signal
 * @param {{onMessage: (text: string) => void, onLost: (reason: Told) => void}} reports
 */
export async function connect(stream, signal, { onMessage, onLost }) {
  const peer = new RTCPeerConnection({ iceServers: [] });
  const channel = peer.createDataChannel('emotions', { ordered: false, maxRetransmits: 0 });
  let answered = Promise.reject(new Error('nothing was offered'));
  answered.catch(() => {});
  signal.addEventListener('abort', () => leave(peer, answered));

  for (const track of stream.getTracks()) peer.addTrack(track, stream);
  channel.addEventListener('message', (event) => onMessage(event.data), { signal });
  channel.addEventListener('close', () => onLost(new Told('The server ended the session.')), { signal });
  watchConnection(peer, signal, onLost);
  const opened = once(channel, 'open', signal);
  opened.catch(() => {}); // It is awaited below; ending before that is no second error.

  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer, signal);
  answered = exchange(peer.localDescription);
  const answer = await answered.catch((error) => {
    signal.throwIfAborted();
    throw error;
  });
  signal.throwIfAborted();
  await accept(peer, answer, signal);
  await opened;
}

/**
 * Close the connection. One that is not up yet is let come up first, out of sight: only over it can
 * the server be told that the session is over, and until it knows, it keeps a place for nobody.
 */
async function leave(peer, answered) {
  if (peer.connectionState === 'new' || peer.connectionState === 'connecting') {
    const limit = new Promise((resolve) => setTimeout(resolve, FAREWELL_LIMIT_MS));
    const up = new Promise((resolve) => {
      peer.addEventListener('connectionstatechange', () => peer.connectionState !== 'connecting' && resolve());
    });
    await Promise.race([limit, answered.then((answer) => finish(peer, answer)).then(() => up)]).catch(() => {});
  }
  peer.close();
}

async function finish(peer, answer) {
  if (peer.signalingState === 'have-local-offer') {
    await peer.setRemoteDescription({ sdp: answer.sdp, type: answer.type });
  }
}

/** Close the session when the connection is gone for good. */
function watchConnection(peer, signal, onLost) {
  let patience;
  const lost = () => onLost(new Told('The connection to the server was lost.'));
  const check = () => {
    clearTimeout(patience);
    if (peer.connectionState === 'disconnected') patience = setTimeout(lost, DISCONNECTED_LIMIT_MS);
    if (peer.connectionState === 'failed') lost();
    if (peer.connectionState === 'closed') onLost(new Told('The server ended the session.'));
  };
  peer.addEventListener('connectionstatechange', check, { signal });
  signal.addEventListener('abort', () => clearTimeout(patience));
}

/** Wait until every own address is in the offer, but not for long. */
async function gathered(peer, signal) {
  if (peer.iceGatheringState === 'complete') return;
  await new Promise((resolve) => {
    const limit = setTimeout(resolve, GATHERING_LIMIT_MS);
    const check = () => peer.iceGatheringState === 'complete' && done();
    const done = () => {
      clearTimeout(limit);
      resolve();
    };
    peer.addEventListener('icegatheringstatechange', check, { signal });
    signal.addEventListener('abort', done);
  });
  signal.throwIfAborted();
}

/** Send the offer, return the answer; a refusal comes with the server's own sentence. */
async function exchange({ sdp, type }) {
  const response = await fetch('/offer', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sdp, type }),
  }).catch(() => {
    throw new Told(UNREACHABLE);
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) {
    throw new Told(body?.error ?? `The server refused the session without a reason (status ${response.status}).`);
  }
  return body;
}

async function accept(peer, answer, signal) {
  try {
    await peer.setRemoteDescription({ sdp: answer.sdp, type: answer.type });
  } catch (error) {
    signal.throwIfAborted();
    throw new Told(`The server’s answer cannot be used by this browser (${error.message}).`);
  }
}

function once(target, name, signal) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true, signal });
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}
