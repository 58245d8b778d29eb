// The WebRTC connection: sends both tracks to the server, and hands on what comes over the data channel.

import { NO_ANSWER, Told, UNREACHABLE, lost, noPathSentence } from './errors.js';
import { sendTracks } from './sending.js';
import { authorization, refusalOf } from './server-facts.js';

const GATHERING_LIMIT_MS = 1000; // Then the offer goes out with the addresses that are known.
const RELAY_LIMIT_MS = 5000; // the same where a relay has to be asked for its address first
const CONNECTING_LIMIT_MS = 15_000;
const FAREWELL_LIMIT_MS = 3000; // A connection that was given up is closed after this in any case.

/**
 * @typedef {object} Link a connection that is up
 * @property {string} session the name by which others can watch it
 * @property {string} key what keeps that name
 * @property {(text: string) => void} send dropped where it cannot go out at once
 * @property {() => Promise<?number>} roundTrip_ms between this browser and the server, as ICE measures it
 * @property {Promise<Told>} ended why it ended; never rejects
 */

/**
 * Connect a session's media to the server. When the signal aborts, the connection is closed.
 * @param {import('./media.js').Media} media
 * @param {RTCConfiguration} configuration the ICE servers to use, and whether no other way is to be taken
 * @param {AbortSignal} signal
 * @param {{onMessage: (text: string) => void, onTrouble: (sentence: string) => void}} reports
 * @param {string=} key that of the connection before
 * @returns {Promise<Link>} once the data channel is open
 * @throws {Told} no connection came about; the message says why
 */
export async function connect(media, configuration, signal, { onMessage, onTrouble }, key) {
  const { iceServers } = configuration;
  const peer = new RTCPeerConnection(configuration);
  const channel = peer.createDataChannel('emotions', { ordered: false, maxRetransmits: 0 });
  let answered = Promise.reject(new Error('nothing was offered')); // resolves once the answer is applied
  answered.catch(() => {});
  signal.addEventListener('abort', () => leave(peer, answered));

  sendTracks(peer, media, signal, onTrouble);
  channel.addEventListener('message', (event) => onMessage(event.data), { signal });
  const ended = endOf(peer, channel, iceServers, signal);
  const opened = happened(channel, 'open', signal);
  opened.catch(() => {}); // It is awaited below; ending before that is no second error.

  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer, iceServers.length ? RELAY_LIMIT_MS : GATHERING_LIMIT_MS, signal);
  signal.throwIfAborted();
  const answering = exchange(peer.localDescription, key);
  answered = answering.then((answer) => accept(peer, answer));
  await answered;
  signal.throwIfAborted();
  const tooSlow = after(CONNECTING_LIMIT_MS, signal).then(() => new Told(noPathSentence(iceServers, CONNECTING_LIMIT_MS / 1000)));
  const failure = await Promise.race([opened, ended, tooSlow]);
  signal.throwIfAborted();
  if (failure instanceof Told) throw failure;
  const send = (text) => channel.readyState === 'open' && channel.send(text);
  const { session, key: kept } = await answering;
  return { session, key: kept, send, roundTrip_ms: () => roundTripOf(peer), ended };
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
    await Promise.race([limit, answered.then(() => up)]).catch(() => {});
  }
  peer.close();
}

/** Resolve with the reason when the connection is gone for good, or nobody wants it any more. */
function endOf(peer, channel, iceServers, signal) {
  return new Promise((resolve) => {
    let wasUp = false;
    channel.addEventListener('close', () => resolve(new Told('The server ended the session.', { isPassing: true })), { signal });
    peer.addEventListener('connectionstatechange', () => {
      wasUp ||= peer.connectionState === 'connected';
      if (peer.connectionState === 'failed') resolve(wasUp ? lost() : new Told(noPathSentence(iceServers)));
      if (peer.connectionState === 'closed') resolve(lost());
    }, { signal });
    signal.addEventListener('abort', () => resolve(signal.reason));
  });
}

/** Wait until every own address is in the offer, but not for long. */
async function gathered(peer, limit_ms, signal) {
  if (peer.iceGatheringState === 'complete') return;
  await new Promise((resolve) => {
    const limit = setTimeout(resolve, limit_ms);
    const done = () => {
      clearTimeout(limit);
      resolve();
    };
    peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && done(), { signal });
    signal.addEventListener('abort', done);
  });
}

/** Send the offer, return the answer; a refusal comes with the server's own sentence. */
async function exchange({ sdp, type }, key) {
  const response = await fetch('/offer', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...authorization() },
    body: JSON.stringify({ sdp, type, key }),
    signal: AbortSignal.timeout(CONNECTING_LIMIT_MS),
  }).catch((error) => {
    throw new Told(error.name === 'TimeoutError' ? NO_ANSWER : UNREACHABLE, { isPassing: true });
  });
  const answer = response.ok && (await response.json().catch(() => null));
  if (answer) return answer;
  throw await refusalOf(response);
}

async function accept(peer, { sdp, type }) {
  try {
    await peer.setRemoteDescription({ sdp, type });
  } catch (error) {
    throw new Told(`The server’s answer cannot be used by this browser (${error.message}).`);
  }
}

async function roundTripOf(peer) {
  for (const entry of (await peer.getStats()).values()) {
    const isUsed = entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded';
    if (isUsed && entry.currentRoundTripTime !== undefined) return entry.currentRoundTripTime * 1000;
  }
  return null;
}

function happened(target, name, signal) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true, signal });
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

function after(limit_ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limit_ms);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}
