"""Notices a track whose packets arrive but from which nothing can be decoded any more."""

from __future__ import annotations

from collections.abc import Iterator

from rtc.audio import SoundReceiver
from rtc.observer import Observer
from rtc.reasons import Fault
from rtc.receiver import MediaReceiver
from rtc.video import PictureReceiver


class Watchdog:
    """Watches one track.

    A decoder may fail for ever after a single bad packet: aiortc's do after an empty one.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._packets = 0
        self._frames = 0
        self._stalled_since: float | None = None

    def is_stalled(self, packets: int, frames: int, now: float) -> bool:
        """Say, once for every ``patience_s``, that packets have come without a frame for so long.

        Args:
            packets: that have arrived so far.
            frames: that have been decoded so far, of all packets up to now.
            now: in seconds.
        """
        has_frames, has_packets = frames > self._frames, packets > self._packets
        self._packets, self._frames = packets, frames
        if has_frames:
            self._stalled_since = None
        if has_frames or not has_packets:  # without packets there is nothing to decode
            return False
        if self._stalled_since is None:
            self._stalled_since = now
        if now - self._stalled_since < self._patience_s:
            return False
        self._stalled_since = now
        return True


class MediaWatchdog:
    """Watches the sound and the pictures of one session, and has them begun anew."""

    def __init__(self, observer: Observer, patience_s: float) -> None:
        """Take what arrives without being decoded for ``patience_s`` for stalled."""
        self._observer = observer
        self._sound = Watchdog(patience_s)
        self._pictures = Watchdog(patience_s)

    def look(
        self,
        receiver: MediaReceiver,
        sound: SoundReceiver | None,
        pictures: PictureReceiver | None,
        now: float,
    ) -> Iterator[tuple[Fault, str]]:
        """Yield, for each that is stalled and was begun anew, a code and a text for the peer."""
        if sound and self._sound.is_stalled(receiver.sound_packets, sound.frames, now):
            receiver.begin_sound_anew()
            yield "sound-stalled", "Your sound arrives, but cannot be decoded; it is begun anew."
        if not pictures or self._observer.is_looking:  # what is looked at now is not counted yet
            return
        if self._pictures.is_stalled(receiver.picture_packets, pictures.count, now):
            receiver.begin_pictures_anew()
            text = "Your pictures arrive, but cannot be decoded; they are begun anew."
            yield "pictures-stalled", text
