"""What is told to senders, read back by aiortc as they would."""

from __future__ import annotations

import random

import aiortc.rtp
import pytest

from rtc.feedback import Reports
from rtc.rtp import RtpPacket

_RATE_HZ = 90_000


def _note(reports: Reports, numbers: range | list[int], ssrc: int = 1) -> None:
    for number in numbers:
        packet = RtpPacket(97, False, number % 65536, number * 3000 % (1 << 32), ssrc, b"x")
        reports.note(packet, _RATE_HZ)


def _told(reports: Reports) -> dict[int, aiortc.rtp.RtcpReceiverInfo]:
    (report,) = aiortc.rtp.RtcpPacket.parse(reports.report())
    assert isinstance(report, aiortc.rtp.RtcpRrPacket)
    assert report.ssrc == 77
    return {each.ssrc: each for each in report.reports}


def test_before_anything_has_come_nothing_is_reported() -> None:
    """Without a stream the report is empty."""
    assert Reports(77).report() == b""


def test_a_report_says_what_was_lost_of_each_stream() -> None:
    """Lost packets are counted for each stream by itself, and over the wrap."""
    reports = Reports(77)
    _note(reports, [number for number in range(65_500, 65_600) if number % 4], ssrc=1)
    _note(reports, range(100), ssrc=2)
    told = _told(reports)
    assert (told[1].packets_lost, told[2].packets_lost) == (24, 0)
    assert (told[1].highest_sequence, told[2].highest_sequence) == (65_599 % 65536, 99)
    assert told[1].fraction_lost == pytest.approx(256 * 24 / 99, abs=1)
    assert told[2].fraction_lost == 0


def test_the_fraction_lost_is_of_the_time_since_the_last_report() -> None:
    """The next report says how it went since, while the sum goes on."""
    reports = Reports(77)
    _note(reports, range(0, 100, 2))
    assert _told(reports)[1].fraction_lost == pytest.approx(128, abs=2)
    _note(reports, range(99, 200))
    told = _told(reports)[1]
    assert (told.fraction_lost, told.packets_lost) == (0, 49)


@pytest.mark.parametrize(
    "missing",
    [
        [5],
        [5, 6, 9, 21],
        [5, 22, 60],
        [65_534, 65_535, 0, 1],
        [*range(65_500, 65_536), 3, 40],
    ],
)
def test_a_request_names_all_that_is_missing(missing: list[int]) -> None:
    """Far apart or near, and across the wrap, each is asked for."""
    (request,) = aiortc.rtp.RtcpPacket.parse(Reports(77).nack(12, missing))
    assert isinstance(request, aiortc.rtp.RtcpRtpfbPacket)
    assert (request.fmt, request.ssrc, request.media_ssrc) == (aiortc.rtp.RTCP_RTPFB_NACK, 77, 12)
    assert sorted(request.lost) == sorted(missing)


def test_of_very_many_missing_the_newest_are_asked_for() -> None:
    """A request stays small enough for one packet."""
    (request,) = aiortc.rtp.RtcpPacket.parse(Reports(77).nack(12, list(range(0, 3000, 20))))
    assert request.lost == list(range(0, 3000, 20))[-64:]


def test_a_request_for_a_key_frame_names_the_stream() -> None:
    """It is a picture loss indication about the sender's stream."""
    (request,) = aiortc.rtp.RtcpPacket.parse(Reports(77).picture_loss(12))
    assert request == aiortc.rtp.RtcpPsfbPacket(aiortc.rtp.RTCP_PSFB_PLI, 77, 12)


def test_more_streams_than_a_report_holds_are_not_kept() -> None:
    """Whatever number of sources a peer invents, the report stays readable, of the newest."""
    reports = Reports(77)
    for ssrc in range(1000):
        _note(reports, [1, 2], ssrc)
    told = _told(reports)
    assert sorted(told) == list(range(1000 - 31, 1000))


def test_timestamps_without_sense_break_no_report() -> None:
    """Leaps of numbers and timestamps, of any size, give a report that can be read."""
    rng = random.Random(8)
    reports = Reports(77)
    for number in range(3000):
        leaping = rng.randrange(65536) if rng.random() < 0.1 else number
        at = ((1 << 32) - 1) * (number % 2)
        reports.note(RtpPacket(97, False, leaping, at, 1, b""), _RATE_HZ)
        assert 0 <= _told(reports)[1].jitter < 1 << 32
