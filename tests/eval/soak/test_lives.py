"""Every kind of life at a real server: it goes as planned, and the server is empty afterwards."""

from __future__ import annotations

import asyncio
import time

import pytest

from eval.bench.cases import PAGE
from eval.bench.media import EncodedMedia, encode
from eval.soak import lives
from eval.soak.lives import live
from eval.soak.outcomes import Fate, Outcome
from eval.soak.plan import Kind, Life, Sends
from rtc.config import ServerConfig, SessionConfig
from tests.conftest import LiveServer, StartServer
from tests.eval.recordings import talking_person

MEDIA_TIMEOUT_S = 3.0
CONFIG = ServerConfig(session=SessionConfig(media_timeout_s=MEDIA_TIMEOUT_S, connect_timeout_s=3.0))


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> EncodedMedia:
    """Somebody who speaks, as the page sends them."""
    return encode(talking_person(tmp_path_factory.mktemp("media")), PAGE, seconds=3.0)


def life(kind: Kind, sends: Sends = Sends.BOTH, seed: int = 1) -> Life:
    """A short life."""
    return Life(kind, sends, stay_s=0.5, seed=seed)


async def seconds_until_empty(server: LiveServer) -> float:
    """Wait until nobody is served any more; return how long that took."""
    began_at = time.monotonic()
    async with asyncio.timeout(15):
        while server.registry.sessions:  # noqa: ASYNC110  what is waited for sets no event
            await asyncio.sleep(0.02)
    return time.monotonic() - began_at


@pytest.mark.parametrize("kind", Kind)
async def test_each_kind_can_be_lived(
    start_server: StartServer, media: EncodedMedia, kind: Kind
) -> None:
    """It goes as planned, in the end the server has forgotten it, and nothing of the peer stays."""
    server = await start_server(CONFIG)
    tasks_before = asyncio.all_tasks()
    for seed in range(1, 6 if kind in {Kind.OFFERS_GARBAGE, Kind.BREAKS_OFF} else 2):
        outcome = await live(life(kind, seed=seed), server.url, media)
        assert outcome == Outcome(kind, Fate.AS_PLANNED)
    await seconds_until_empty(server)
    async with asyncio.timeout(5):
        while asyncio.all_tasks() - tasks_before:  # noqa: ASYNC110  the same
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("sends", [Sends.SOUND, Sends.PICTURES])
async def test_one_side_alone_can_be_sent(
    start_server: StartServer, media: EncodedMedia, sends: Sends
) -> None:
    """Who has sound alone, or pictures alone, gets results, too."""
    server = await start_server(CONFIG)
    outcome = await live(life(Kind.HANGS_UP, sends), server.url, media)
    assert outcome.fate == Fate.AS_PLANNED


async def test_who_vanishes_says_nothing(start_server: StartServer, media: EncodedMedia) -> None:
    """The server finds out by the silence; of who hangs up it knows at once."""
    server = await start_server(CONFIG)
    await live(life(Kind.HANGS_UP), server.url, media)
    assert await seconds_until_empty(server) < 1
    await live(life(Kind.VANISHES), server.url, media)
    assert await seconds_until_empty(server) > MEDIA_TIMEOUT_S - 1


async def test_a_full_server_turns_away(
    start_server: StartServer, media: EncodedMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is told apart from failing, with the server's reason; who comes again may get in."""
    monkeypatch.setattr(lives, "_COMES_AGAIN_FOR_S", 0.0)
    server = await start_server(ServerConfig(max_sessions=1, session=CONFIG.session))
    await live(life(Kind.NEVER_CONNECTS), server.url, media)
    outcome = await live(life(Kind.HANGS_UP), server.url, media)
    assert outcome.fate == Fate.TURNED_AWAY
    assert "full" in outcome.why
    monkeypatch.setattr(lives, "_COMES_AGAIN_FOR_S", 20.0)
    assert (await live(life(Kind.HANGS_UP), server.url, media)).fate == Fate.AS_PLANNED


async def test_an_early_end_is_the_servers_fault(
    start_server: StartServer, media: EncodedMedia
) -> None:
    """A session that the server ends while all is well has failed, with its reason."""
    short = SessionConfig(max_duration_s=1.2)
    server = await start_server(ServerConfig(session=short))
    outcome = await live(Life(Kind.HANGS_UP, Sends.BOTH, 3.0, seed=1), server.url, media)
    assert outcome.fate == Fate.FAILED
    assert "ended a session that was well" in outcome.why


async def test_without_a_server_a_life_fails(media: EncodedMedia) -> None:
    """Where nobody answers the outcome says so, and nothing is raised."""
    for kind in (Kind.HANGS_UP, Kind.OFFERS_GARBAGE, Kind.BREAKS_OFF):
        outcome = await live(life(kind), "http://127.0.0.1:9", media)
        assert outcome.fate == Fate.FAILED
        assert outcome.why
