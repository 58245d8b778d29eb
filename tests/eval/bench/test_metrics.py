"""What the benchmark reads of a server: its figures from the real application, and quantiles."""

from __future__ import annotations

import asyncio
import math

import aiohttp
import pytest

from eval.bench.metrics import ServerFigures, read_figures
from tests.conftest import LiveServer
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer

INFINITE = float("inf")


def figures(*counts: float) -> ServerFigures:
    """Figures whose lags up to 10 ms, 20 ms, 50 ms and without a bound are counted."""
    return ServerFigures(0, 0, tuple(zip((0.01, 0.02, 0.05, INFINITE), counts, strict=True)))


async def test_figures_of_an_idle_server(server: LiveServer) -> None:
    """Nothing was decoded or dropped; lags are counted up to rising bounds, the last infinite."""
    read = await read_figures(server.url)
    assert (read.pictures, read.drops) == (0, 0)
    bounds, counts = zip(*read.loop_lags, strict=True)
    assert list(bounds) == sorted(set(bounds))
    assert bounds[-1] == INFINITE
    assert list(counts) == sorted(counts)


async def test_pictures_are_those_of_the_session(server: LiveServer, happy_clip: Clip) -> None:
    """As many pictures as were sent at most, and lags for as long as it lives."""
    track = PictureTrack(happy_clip.pictures)
    async with Peer(server.url, track) as peer:
        await peer.results(3)
        (session,) = server.registry.sessions.values()
        before = session.counts.pictures
        read = await read_figures(server.url)
        assert 5 < before <= read.pictures <= track.sent
        assert read.drops == 0
        assert read.loop_lags[-1][1] > 10


async def test_drops_are_messages_that_were_not_sent(
    server: LiveServer, happy_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who offers to take ten bytes at most gets none, and the figures say how many not."""
    monkeypatch.setattr("aiortc.rtcsctptransport.LOCAL_MAX_MESSAGE_SIZE", 10)
    async with Peer(server.url, SoundTrack(happy_clip.sound)), asyncio.timeout(10):
        while (await read_figures(server.url)).drops < 2:  # noqa: ASYNC110  no event there
            await asyncio.sleep(0.1)


async def test_a_server_without_metrics_is_an_error(server: LiveServer) -> None:
    """An address that has no figures raises, rather than giving zeros."""
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        await read_figures(f"{server.url}/nothing")


@pytest.mark.parametrize(
    ("share", "lag_s"),
    [
        (0.2, 0.005),  # 4 of the 8 up to 10 ms
        (0.4, 0.01),  # all of these
        (0.65, 0.035),  # and 5 of the 10 between 20 and 50 ms
        (0.9, 0.05),  # and all of these
        (1.0, INFINITE),  # the last 2 lie beyond the last bound that has a number
    ],
)
def test_quantiles_lie_between_bounds(share: float, lag_s: float) -> None:
    """Within a bucket they are proportional; beyond the last bound they are infinite."""
    none, some = figures(0, 0, 0, 0), figures(8, 8, 18, 20)
    assert some.loop_lag_quantile_since(none, share) == pytest.approx(lag_s)


def test_only_lags_since_then_count() -> None:
    """A hundred short lags of before do not hide the long ones that came after."""
    before, after = figures(100, 100, 100, 100), figures(100, 104, 108, 108)
    assert after.loop_lag_quantile_since(before, 0.5) == pytest.approx(0.02)
    assert after.loop_lag_quantile_since(before, 0.75) == pytest.approx(0.035)
    assert figures(100, 104, 108, 108).loop_lag_quantile_since(figures(0, 0, 0, 0), 0.5) < 0.01


def test_without_lags_there_is_no_quantile() -> None:
    """Where the loop was not looked at, the lag is unknown, and not zero."""
    same = figures(5, 5, 5, 5)
    assert math.isnan(same.loop_lag_quantile_since(same, 0.99))
