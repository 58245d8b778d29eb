"""A WHIP client of few lines in a page: what a browser needs to publish by fetch (RFC 9725)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.web.browser import Tab

# whip() publishes and returns what the server said; end() ends it; eventsOf() reads results.
WHIP = r"""
const candidateLines = /^a=candidate:.*\r\n/gm;

/** A candidate as RFC 8840, section 9, has it; the last one is null. */
function fragmentOf(sdp, candidate) {
  const line = (start) => sdp.match(new RegExp(`^${start}.*$`, 'm'))[0];
  const lines = ['a=ice-ufrag:', 'a=ice-pwd:', 'm=', 'a=mid:'].map(line);
  lines.push(candidate ? `a=${candidate.candidate}` : 'a=end-of-candidates', '');
  return lines.join('\r\n');
}

async function gathered(peer) {
  while (peer.iceGatheringState !== 'complete') {
    await new Promise((resolve) => peer.addEventListener('icegatheringstatechange', resolve));
  }
}

window.whip = async (wanted) => {
  const { kinds, mimeType, isTrickled, isServerHidden, server, key, token } = wanted;
  const authorization = token ? { Authorization: `Bearer ${token}` } : {};
  const devices = Object.fromEntries(kinds.map((kind) => [kind, true]));
  const media = await navigator.mediaDevices.getUserMedia(devices);
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of media.getTracks()) {
    const transceiver = peer.addTransceiver(track, { direction: 'sendonly', streams: [media] });
    if (track.kind !== 'video' || !mimeType) continue;
    const { codecs } = RTCRtpSender.getCapabilities('video');
    transceiver.setCodecPreferences(codecs.filter((codec) => codec.mimeType === mimeType));
  }
  const candidates = [];
  peer.addEventListener('icecandidate', ({ candidate }) => {
    candidates.push(candidate);
    peer.dispatchEvent(new Event('found'));
  });

  const offer = await peer.createOffer(); // in which no candidate can be
  await peer.setLocalDescription(offer);
  if (!isTrickled) await gathered(peer);
  const sdp = isTrickled ? offer.sdp : peer.localDescription.sdp;
  const response = await fetch(`${server}/whip${key ? `?key=${key}` : ''}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', ...authorization },
    body: sdp,
  });
  const answer = await response.text();
  const header = (name) => response.headers.get(name);
  const said = {
    status: response.status,
    type: header('Content-Type'),
    etag: header('ETag'),
    location: header('Location'),
    link: header('Link'),
    answer,
    offered: (sdp.match(candidateLines) ?? []).length,
    trickled: [],
  };
  if (response.status !== 201) return said;
  const address = new URL(header('Location'), response.url).href;
  window.end = async () => {
    const ended = await fetch(address, { method: 'DELETE', headers: authorization });
    peer.close();
    media.getTracks().forEach((track) => track.stop());
    return ended.status;
  };
  await peer.setRemoteDescription({
    type: 'answer',
    sdp: isServerHidden ? answer.replaceAll(candidateLines, '') : answer,
  });
  for (let sent = 0; isTrickled && (sent === 0 || candidates[sent - 1]); sent++) {
    if (sent === candidates.length) {
      await new Promise((resolve) => peer.addEventListener('found', resolve, { once: true }));
    }
    const patched = await fetch(address, {
      method: 'PATCH',
      headers: {
        'Content-Type': 'application/trickle-ice-sdpfrag',
        'If-Match': header('ETag'),
        ...authorization,
      },
      body: fragmentOf(sdp, candidates[sent]),
    });
    said.trickled.push(patched.status);
  }
  return said;
};

window.eventsOf = async (url, count, request = {}) => {
  const ending = new AbortController();
  const response = await fetch(url, { ...request, signal: ending.signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const messages = [];
  for (let rest = ''; messages.length < count; ) {
    const { done, value } = await reader.read();
    if (done) break;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    messages.push(...blocks.flatMap((block) => block.match(/^data: .*$/gm) ?? []));
  }
  ending.abort();
  return messages.map((line) => JSON.parse(line.slice('data: '.length)));
};
"""


@dataclass(frozen=True)
class Published:
    """What the server said to an offer by WHIP.

    Attributes:
        status, type, etag, location, link: of the answer; None for a header that was not there,
            or that the page may not read.
        answer: its body.
        offered: how many candidates were in the offer.
        trickled: the status of each request that added one, and of the one that said "no more".
    """

    status: int
    type: str | None
    etag: str | None
    location: str | None
    link: str | None
    answer: str
    offered: int
    trickled: list[int]

    @property
    def events(self) -> str:
        """The path of the results."""
        found = re.search(r"<(/sessions/[\w-]{22,}/events)>", self.link or "")
        assert found, self.link
        return found[1]


async def publish(  # noqa: PLR0913  each is a part of a client's choice
    tab: Tab,
    *kinds: str,
    mime_type: str | None = None,
    trickled: bool = True,
    server_hidden: bool = False,
    server: str = "",
    key: str = "",
    token: str | None = None,
) -> Published:
    """Publish the tab's devices.

    Args:
        tab: opened with ``WHIP``.
        kinds: "audio", "video"; both without any.
        mime_type: the one codec of pictures that is offered.
        trickled: the offer goes out before there is a candidate, and these follow.
        server_hidden: the page does not learn the server's candidates.
        server: its address, where the page is another's.
        key: of whose making the name to watch by is.
        token: that the server asks for.
    """
    wanted: dict[str, Any] = {
        "kinds": kinds or ("audio", "video"),
        "mimeType": mime_type,
        "isTrickled": trickled,
        "isServerHidden": server_hidden,
        "server": server,
        "key": key,
        "token": token,
    }
    return Published(**await tab.page.evaluate("(wanted) => whip(wanted)", wanted))


async def end(tab: Tab) -> int:
    """End what was published; return the status."""
    return await tab.page.evaluate("end()")
