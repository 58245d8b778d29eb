"""Several workers share a port: whoever asks for a session finds it, whichever worker has it."""

from __future__ import annotations

import aiohttp

from tests.events import events
from tests.media import Clip, SoundTrack
from tests.processes import EMBEDDED, Launch, ready
from tests.publishers import Publisher


async def test_sessions_are_found_wherever_they_are(launch: Launch, happy_clip: Clip) -> None:
    """With two workers, events, DELETE and 404 are the same over each of a dozen connections."""
    process = await launch("--port", "0", "--workers", "2", *EMBEDDED)
    _, url = await ready(process, within_s=60.0)
    async with (
        Publisher(url, SoundTrack(happy_clip.sound)) as first,
        Publisher(url, SoundTrack(happy_clip.sound)) as second,
    ):
        for publisher in (first, second) * 3:  # each opens a connection of its own
            async with events(url, publisher.events) as stream:
                assert await stream.results(1)
        statuses = [await first.ask("PATCH") for _ in range(6)]
        assert {status for status, _ in statuses} == {415}
        assert await first.ask("DELETE") == (200, "")
        assert await second.ask("DELETE") == (200, "")
        async with aiohttp.ClientSession() as http, http.get(f"{url}/sessions/unknown") as response:
            assert response.status == 404
            assert "No session has this name" in (await response.json())["error"]
