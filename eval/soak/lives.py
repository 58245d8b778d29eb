"""What people do at a server: each kind of life, lived by a real peer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from eval.bench.media import EncodedMedia
from eval.bench.peers import EncodedTrack
from eval.soak.outcomes import TURNED_AWAY, Fate, LifeError, Outcome
from eval.soak.plan import Kind, Life, Sends
from eval.soak.strangers import break_off, offer_garbage
from eval.soak.tracks import StallingTrack
from rtc.client import EmotionClient, RefusedError, post_offer

_LONGEST_LIFE_S = 120.0
_COMES_AGAIN_FOR_S = 60.0  # where the server is busy; on a shared machine, with others' work
_COMES_AGAIN_AFTER_S = 1.0
_PATIENCE_S = 20.0  # for a result
_STALLS_S = (0.5, 13.0)  # the server ends whoever sends nothing for ten seconds
_NOT_ENDED_BELOW_S = 8.0


async def live(life: Life, url: str, media: EncodedMedia) -> Outcome:
    """Live a life at the server at ``url``, and say how it went.

    Who is turned away comes again for a while.
    """
    began_at_s = time.monotonic()
    while True:
        outcome = await _live_once(life, url, media)
        has_time = time.monotonic() - began_at_s < _COMES_AGAIN_FOR_S
        if outcome.fate != Fate.TURNED_AWAY or not has_time:
            return outcome
        await asyncio.sleep(_COMES_AGAIN_AFTER_S)


async def _live_once(life: Life, url: str, media: EncodedMedia) -> Outcome:
    try:
        async with asyncio.timeout(_LONGEST_LIFE_S):
            await _WAYS[life.kind](_Person(life, url, media))
    except RefusedError as error:
        fate = Fate.TURNED_AWAY if error.status in TURNED_AWAY else Fate.FAILED
        return Outcome(life.kind, fate, str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, it is counted, and the others live on
        return Outcome(life.kind, Fate.FAILED, f"{type(error).__name__}: {error}")
    return Outcome(life.kind, Fate.AS_PLANNED)


class _Person:
    """Somebody with media to send."""

    def __init__(self, life: Life, url: str, media: EncodedMedia) -> None:
        self.chance = random.Random(life.seed)  # noqa: S311  it is to be repeated
        self.stay_s = life.stay_s
        self.url = url
        self._sends = life.sends
        self._media = media

    async def connect(self, client: EmotionClient) -> list[StallingTrack]:
        """Offer, take the answer, and send; the rest happens by itself."""
        tracks = []
        if self._sends != Sends.PICTURES:
            tracks.append(StallingTrack(EncodedTrack("audio", self._media.sound)))
        if self._sends != Sends.SOUND:
            tracks.append(StallingTrack(EncodedTrack("video", self._media.pictures)))
        await client.publish(*tracks)
        return tracks

    async def stay(self, client: EmotionClient) -> None:
        """Connect, wait for a result, and stay for the length of a life."""
        await self.connect(client)
        await _result(client)
        await asyncio.sleep(self.stay_s)
        _check_is_there(client)


async def _hang_up(person: _Person) -> None:
    async with EmotionClient(person.url) as client:
        await person.stay(client)


async def _vanish(person: _Person) -> None:
    async with EmotionClient(person.url) as client:
        await person.stay(client)
        await _close_sockets(client)


async def _stall(person: _Person) -> None:
    stalled_s = person.chance.uniform(*_STALLS_S)
    async with EmotionClient(person.url) as client:
        tracks = await person.connect(client)
        await _result(client)
        for track in tracks:
            track.stall()
        await asyncio.sleep(stalled_s)
        for track in tracks:
            track.go_on()
        await asyncio.sleep(person.stay_s)
        if stalled_s < _NOT_ENDED_BELOW_S:
            _check_is_there(client)


async def _reconnect(person: _Person) -> None:
    for _ in range(person.chance.randint(1, 3)):
        async with EmotionClient(person.url) as client:
            await person.connect(client)
            await _result(client)
            if person.chance.random() < 0.5:
                await _close_sockets(client)
    await _hang_up(person)


async def _change_settings(person: _Person) -> None:
    async with EmotionClient(person.url) as client:
        await person.connect(client)
        await _result(client)
        for _ in range(person.chance.randint(1, 5)):
            w_voice = round(person.chance.uniform(-0.2, 1.2), 2)
            reply = await client.change(w_voice=w_voice, face_smooth_k=person.chance.randint(0, 5))
            if reply["type"] not in {"settings", "refusal"}:
                raise LifeError(f"settings were answered with {reply}")
            await asyncio.sleep(person.stay_s / 5)
        _check_is_there(client)


async def _leave_early(person: _Person) -> None:
    async with EmotionClient(person.url) as client:
        await person.connect(client)
        await asyncio.sleep(person.chance.uniform(0.01, 0.2))
        if person.chance.random() < 0.5:
            await _close_sockets(client)


async def _never_connect(person: _Person) -> None:
    await post_offer(person.url, await _offer(person))


async def _offer_garbage(person: _Person) -> None:
    await offer_garbage(person.url, person.chance, await _offer(person))


async def _break_off(person: _Person) -> None:
    await break_off(person.url, person.chance, await _offer(person))


_WAYS: dict[Kind, Callable[[_Person], Awaitable[None]]] = {
    Kind.HANGS_UP: _hang_up,
    Kind.VANISHES: _vanish,
    Kind.STALLS: _stall,
    Kind.RECONNECTS: _reconnect,
    Kind.CHANGES_SETTINGS: _change_settings,
    Kind.LEAVES_EARLY: _leave_early,
    Kind.NEVER_CONNECTS: _never_connect,
    Kind.OFFERS_GARBAGE: _offer_garbage,
    Kind.BREAKS_OFF: _break_off,
}


async def _result(client: EmotionClient) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S), aclosing(client.results()) as results:
            async for _ in results:
                return
    except TimeoutError:
        raise LifeError(f"no result came within {_PATIENCE_S:.0f} s") from None
    raise LifeError(f"no result came: {client.gone}")


def _check_is_there(client: EmotionClient) -> None:
    if client.gone is not None:
        raise LifeError(f"the server ended a session that was well: {client.gone}")


async def _close_sockets(client: EmotionClient) -> None:
    """Be gone without a goodbye: once its sockets are closed, neither DTLS nor SCTP can say one."""
    sctp = client.connection.sctp
    assert sctp is not None  # there is a data channel
    await sctp.transport.transport.stop()


async def _offer(person: _Person) -> dict[str, str]:
    """Return an offer whose sender is not there any more."""
    async with EmotionClient(person.url) as client:
        client.connection.addTransceiver("audio")
        client.connection.addTransceiver("video")
        await client.connection.setLocalDescription(await client.connection.createOffer())
        offer = client.connection.localDescription
        return {"sdp": offer.sdp, "type": offer.type}
