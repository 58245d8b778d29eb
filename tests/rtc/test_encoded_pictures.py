"""Pictures from encoded ones: kept until asked for, decoded once, begun anew after damage."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import chain

import av
import numpy as np
import pytest
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import get_decoder
from aiortc.codecs.vpx import Vp8Decoder
from aiortc.jitterbuffer import JitterFrame
from av.frame import Frame

from rtc.assembly import EncodedPicture, PictureAssembly
from rtc.clock import Capture
from rtc.video import PictureReceiver, UndecodableError, rgb_of
from tests.rtc.encoded import H264, VP8, noisy_pictures, packets_of

_LIMIT = 150
_KEYS = (0, 6)


def _encoded(codec: RTCRtpCodecParameters = VP8) -> list[EncodedPicture]:
    assembly = PictureAssembly()
    packets = packets_of(noisy_pictures(9, codec, _KEYS), timestamp=(1 << 32) - 9000)
    put = [assembly.put(packet, codec) for packet in chain(*packets)]
    pictures = [picture for picture in put if picture is not None]
    assert len(pictures) == 9
    return pictures


_PICTURES = _encoded()
_DAMAGED = replace(_PICTURES[3], data=_PICTURES[3].data[:40])


class _Playing:
    """A receiver, whose clock stands at ``now_s``."""

    def __init__(self) -> None:
        self.now_s = 7.0
        self.pictures = PictureReceiver(lambda: self.now_s)

    def put(self, *pictures: EncodedPicture) -> list[bool]:
        return [self.pictures.put_encoded(picture) for picture in pictures]


@pytest.mark.parametrize("codec", [VP8, H264], ids=["VP8", "H264"])
def test_the_newest_is_decoded_with_all_that_it_needs(codec: RTCRtpCodecParameters) -> None:
    """Five that came are decoded when one is asked for, which is equal to what a decoder gives."""
    playing, encoded = _Playing(), _encoded(codec)
    assert playing.put(*encoded[:5]) == [True] * 5
    assert playing.pictures.count == 0
    frame = playing.pictures.take()
    decoder = get_decoder(codec)
    decoded = [
        decoder.decode(JitterFrame(each.data, number)) for number, each in enumerate(encoded)
    ]
    assert frame is not None
    assert np.array_equal(frame.rgb(), rgb_of(decoded[4][0]))
    assert playing.pictures.count == 5


def test_those_that_come_until_it_is_decoded_are_decoded_too() -> None:
    """A picture that had to wait for its turn is not the one of then, but the newest of now."""
    playing, alone = _Playing(), _Playing()
    alone.put(*_PICTURES[:4])
    playing.put(*_PICTURES[:2])
    frame, expected = playing.pictures.take(), alone.pictures.take()
    assert frame is not None
    assert expected is not None
    playing.now_s = 9.0
    playing.put(*_PICTURES[2:4])
    assert np.array_equal(frame.rgb(), expected.rgb())
    assert frame.capture.at == 9.0


def test_decoding_ends_however_fast_pictures_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends another picture whenever one is decoded keeps nobody waiting."""
    playing = _Playing()
    playing.put(*_PICTURES[:3])

    class Flooded(Vp8Decoder):
        def decode(self, encoded_frame: JitterFrame) -> list[Frame]:
            playing.put(_PICTURES[0])
            return super().decode(encoded_frame)

    monkeypatch.setattr("rtc.video.get_decoder", lambda _: Flooded())
    frame = playing.pictures.take()
    assert frame is not None
    frame.rgb()
    assert playing.pictures.count == 3


def test_asked_twice_it_decodes_once() -> None:
    """As when a batch failed and each picture is asked for again, alone."""
    playing = _Playing()
    playing.put(*_PICTURES[:3])
    frame = playing.pictures.take()
    assert frame is not None
    assert np.array_equal(frame.rgb(), frame.rgb())
    assert playing.pictures.count == 3


def test_the_next_asked_for_goes_on_from_the_last() -> None:
    """What came since is decoded on top of what was decoded before."""
    playing, alone = _Playing(), _Playing()
    alone.put(*_PICTURES[:5])
    playing.put(*_PICTURES[:2])
    first = playing.pictures.take()
    assert first is not None
    first.rgb()
    playing.put(*_PICTURES[2:5])
    assert playing.pictures.waiting
    second, expected = playing.pictures.take(), alone.pictures.take()
    assert second is not None
    assert expected is not None
    assert np.array_equal(second.rgb(), expected.rgb())
    assert playing.pictures.count == 5
    assert not playing.pictures.waiting
    assert playing.pictures.take() is None


def test_it_says_when_and_where_in_the_track_the_newest_was_taken() -> None:
    """The time of arrival is the clock's, that in the track counts over the wrap."""
    playing = _Playing()
    for number, picture in enumerate(_PICTURES[:4]):
        playing.now_s = 7.0 + number
        playing.put(picture)
    frame = playing.pictures.take()
    assert playing.pictures.captured_at == 10.0
    assert frame is not None
    assert frame.capture == Capture(at=10.0, media_time_s=pytest.approx(3 / 15))


def test_when_nobody_asks_it_begins_anew() -> None:
    """More than five seconds of pictures are not kept; from the next key frame on all is well."""
    playing = _Playing()
    assert playing.put(*[_PICTURES[0]] * _LIMIT) == [True] * _LIMIT
    assert playing.put(_PICTURES[1]) == [False]
    assert not playing.pictures.waiting
    assert playing.put(*_PICTURES[6:]) == [True] * 3
    frame = playing.pictures.take()
    assert frame is not None
    frame.rgb()
    assert playing.pictures.count == 3


def test_after_a_damaged_picture_it_begins_anew() -> None:
    """What needs the damaged one is not shown, the next that comes is refused, once."""
    playing, good = _Playing(), _Playing()
    good.put(*_PICTURES[:3])
    playing.put(*_PICTURES[:3], _DAMAGED, _PICTURES[4])
    frame, expected = playing.pictures.take(), good.pictures.take()
    assert frame is not None
    assert expected is not None
    assert np.array_equal(frame.rgb(), expected.rgb())
    assert playing.pictures.count == 3
    assert playing.put(_PICTURES[5], _PICTURES[6]) == [False, True]
    again = playing.pictures.take()
    assert again is not None
    assert again.rgb().shape == (128, 160, 3)


def test_what_came_while_the_damage_was_found_is_not_shown() -> None:
    """Pictures put in before the inference thread found the damage need what was damaged."""
    playing = _Playing()
    playing.put(*_PICTURES[:3], _DAMAGED)
    frame = playing.pictures.take()
    assert frame is not None
    playing.put(_PICTURES[4])
    frame.rgb()
    assert playing.pictures.take() is None
    assert playing.put(_PICTURES[5]) == [False]
    assert not playing.pictures.waiting


def test_nothing_but_damage_raises() -> None:
    """Where none can be decoded ValueError says so, and the stream begins anew."""
    playing = _Playing()
    playing.put(_DAMAGED)
    frame = playing.pictures.take()
    assert frame is not None
    with pytest.raises(ValueError, match="none of the newest"):
        frame.rgb()
    assert playing.put(_PICTURES[1], *_PICTURES[6:]) == [False, True, True, True]
    again = playing.pictures.take()
    assert again is not None
    again.rgb()
    assert playing.pictures.count == 3


def test_pictures_of_too_many_pixels_are_damage() -> None:
    """FFmpeg refuses them before it reserves memory."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 4096, 2160, "yuv420p"
    encoder.time_base, encoder.options = Fraction(1, 30), {"preset": "ultrafast"}
    large = av.VideoFrame.from_ndarray(np.zeros((2160, 4096, 3), np.uint8)).reformat(
        format="yuv420p"
    )
    encoded = b"".join(map(bytes, [*encoder.encode(large), *encoder.encode(None)]))
    pictures = PictureReceiver(lambda: 0.0)
    pictures.put_encoded(EncodedPicture(H264, encoded, 0))
    frame = pictures.take()
    assert frame is not None
    with pytest.raises(UndecodableError):
        frame.rgb()
