"""Sound as a peer's server gets it: as Opus, over two real peer connections in this process."""

from __future__ import annotations

import asyncio
import fractions
import itertools
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import scipy.signal
import soundfile
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError

from models.voice.features import SAMPLE_RATE_HZ
from rtc.audio import RollingWindow, SoundReceiver
from rtc.receiver import MediaReceiver

Samples = npt.NDArray[np.float32]

SENT_RATE_HZ = 48_000  # the only rate of Opus in WebRTC (RFC 7587)
PACKET_S = 0.02
_PACKET_SAMPLES = round(SENT_RATE_HZ * PACKET_S)
_TAIL_PACKETS = 2  # of silence after a clip: the codec delays by less than 40 ms
_PATIENCE_S = 15.0  # beyond the clip's own length, of which a clip takes a fraction


@dataclass(frozen=True)
class Received:
    """What came of one clip.

    Attributes:
        samples: float32 in [-1, 1] at 16 kHz, shape (n,): the clip after the codec's delay, and
            some silence.
        lost_packets: of 20 ms, that were sent and did not arrive.
    """

    samples: Samples
    lost_packets: int


class ClipTrack(MediaStreamTrack):
    """Plays a clip once, as fast as it is asked for, and ends.

    It does not wait until a packet is due: neither the codec nor the receiver goes by the time at
    which packets come in order, so the listener hears the same to the bit.

    Attributes:
        begin: to be set when the listener has the keys; what came sooner might be lost.
    """

    kind = "audio"

    def __init__(self, sound: npt.NDArray[np.int16]) -> None:
        """Take sound at 48 kHz, shape (n,); silence follows it until no packet is partly full."""
        super().__init__()
        silence = -len(sound) % _PACKET_SAMPLES + _TAIL_PACKETS * _PACKET_SAMPLES
        self.packets = np.pad(sound, (0, silence)).reshape(-1, _PACKET_SAMPLES)
        self.begin = asyncio.Event()
        self._given = 0

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms."""
        await self.begin.wait()
        if self._given == len(self.packets):
            raise MediaStreamError
        # Both channels, as aiortc would turn one into two that are 3 dB lower; browsers do not.
        stereo = np.repeat(self.packets[self._given], 2)[None]
        frame = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
        frame.sample_rate = SENT_RATE_HZ
        frame.pts = self._given * _PACKET_SAMPLES
        frame.time_base = fractions.Fraction(1, SENT_RATE_HZ)
        self._given += 1
        return frame


def read_to_send(path: Path) -> npt.NDArray[np.int16]:
    """Read a recording as a microphone would give it: int16, shape (n,), 48 kHz mono.

    Raises:
        soundfile.LibsndfileError: the file is no readable recording.
    """
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate_hz != SENT_RATE_HZ:
        mono = scipy.signal.resample_poly(mono, SENT_RATE_HZ, rate_hz)
    scaled: npt.NDArray[np.int16] = np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)
    return scaled


async def sent_as_opus(sound: npt.NDArray[np.int16]) -> Received:
    """Send a clip from one peer to another, which hears it by the live server's own code.

    Args:
        sound: 48 kHz mono, shape (n,).

    Raises:
        ConnectionError: the peers did not connect, or stopped hearing each other.
    """
    speaker, listener = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    track = ClipTrack(sound)
    try:
        async with asyncio.timeout(_PATIENCE_S + len(sound) / SENT_RATE_HZ):
            samples, arrived = await _heard(speaker, listener, track)
    except TimeoutError as error:
        raise ConnectionError(
            "two peer connections of this process could not send sound to each other; they need "
            "a network interface other than 127.0.0.1, and UDP between its own ports"
        ) from error
    finally:
        await speaker.close()
        await listener.close()
    return Received(samples, len(track.packets) - arrived)


def aligned(received: Samples, original: Samples) -> Samples:
    """Cut out of ``received`` what is ``original``, by where both correlate best.

    The codec delays by 6.5 ms and more, and windows that begin elsewhere score otherwise, which
    would be no fault of the codec. Where lost packets left less than the original's length,
    silence follows.

    Args:
        received: shape (n,).
        original: shape (m,), of the same rate.

    Returns:
        The same, shape (m,).
    """
    received = np.pad(received, (0, max(0, len(original) - len(received))))
    delay = int(np.argmax(scipy.signal.correlate(received, original, mode="valid")))
    return received[delay : delay + len(original)]


async def _heard(
    speaker: RTCPeerConnection, listener: RTCPeerConnection, track: ClipTrack
) -> tuple[Samples, int]:
    """Connect, send all of the track, and return what came before the goodbye and in how many."""
    all_sent, all_heard = asyncio.Event(), asyncio.Event()
    track.on("ended", all_sent.set)
    reached = {"connected": track.begin, "closed": all_heard}

    @listener.on("connectionstatechange")
    def on_state() -> None:
        if (event := reached.get(listener.connectionState)) is not None:
            event.set()

    speaker.addTrack(track)
    await speaker.setLocalDescription(await speaker.createOffer())
    await listener.setRemoteDescription(speaker.localDescription)
    await listener.setLocalDescription(await listener.createAnswer())
    whole = RollingWindow(round(len(track.packets) * PACKET_S * SAMPLE_RATE_HZ))
    # The clock stands still, as a machine's pauses are no pauses of the clip.
    sound = SoundReceiver(lambda: 0.0, whole)
    answer = listener.localDescription.sdp
    transports = [listener.getReceivers()[0].transport]
    # Within a process no packet overtakes another: by this clock none is waited for.
    MediaReceiver(transports, answer, sound, None, itertools.count().__next__).attach()
    await speaker.setRemoteDescription(listener.localDescription)
    await all_sent.wait()
    await speaker.close()  # Its goodbye comes after all sound.
    await all_heard.wait()
    heard = sound.window
    return heard.newest(heard.filled), sound.packets
