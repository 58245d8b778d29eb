"""``POST /analyze``: a recording in; what a live session would have said of it out, as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from typing import Any

from aiohttp import web

from models.loading import HSEMOTION_FACE
from rtc.analyst_process import AnalystProcess, NoProcessError, analysing, assignment_for
from rtc.config import SessionConfig
from rtc.keys import MODELS
from rtc.refusals import RefusalError, come_again
from rtc.streaming import end, streamed, write_pieces
from rtc.upload_admission import admit_upload
from rtc.uploads import UploadConfig, check_upload, receive, temporary_recording

_log = logging.getLogger(__name__)

_PROGRESS_S = 1.0
_OPENING_PATIENCE_S = 30.0
_RETRY_AFTER_S = 10

_KINDS = "Send a recording as MP4, MOV, WebM, Matroska, AVI, MPEG, Ogg, MP3, FLAC or WAV."


def add_analysis(
    app: web.Application, uploads: UploadConfig | None, session: SessionConfig
) -> None:
    """Serve ``POST /analyze``; without ``uploads``, refuse it with a sentence that says why.

    Results are those of live sessions with the configuration ``session``.
    """
    if uploads is None:
        app.router.add_post("/analyze", _refuse, expect_handler=_expect_no_more)
        return
    # The very network that serves, even where another could be had by now.
    face_model = "hsemotion" if app[MODELS].face == HSEMOTION_FACE else "embedded"
    models = replace(uploads.models, face_model=face_model, offline=True)
    analyses = _Analyses(replace(uploads, models=models), session)
    app.router.add_post("/analyze", analyses.analyze, expect_handler=_expect_no_more)
    app.on_shutdown.append(analyses.end)


class _Analyses:
    """One at a time: each takes what a core has left, and live sessions come first."""

    def __init__(self, config: UploadConfig, session: SessionConfig) -> None:
        self._config = config
        self._session = session
        self._is_busy = False
        self._is_ending = False
        self._analyst: AnalystProcess | None = None

    async def analyze(self, request: web.Request) -> web.StreamResponse:
        """Receive a recording, have it analysed, and pass on what is found, line by line."""
        admit_upload(request)
        check_upload(request, self._config)
        response = streamed("application/x-ndjson")
        await self._analyze(request, response)
        return await end(request, response)  # whose reader may send the next at once

    async def _analyze(self, request: web.Request, response: web.StreamResponse) -> None:
        with self._place(), temporary_recording() as recording:
            await receive(request, self._config, recording.file)
            assignment = assignment_for(recording, self._config, self._session)
            try:
                async with analysing(assignment, recording) as self._analyst:
                    duration_s = await self._opened(self._analyst)
                    told = _as_json(self._told(self._analyst, duration_s))
                    await write_pieces(request, response, told)
            except NoProcessError as error:
                _log.warning("no process can begin to analyse a recording: %s", error)
                sentence = f"The server is too busy. Try again in {_RETRY_AFTER_S} seconds."
                raise come_again(503, "no_room", sentence, _RETRY_AFTER_S) from error

    async def end(self, app: web.Application) -> None:  # noqa: ARG002  aiohttp's signature
        """Analyse nothing more, and end what is under way."""
        self._is_ending = True
        if self._analyst is not None:
            self._analyst.kill()

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if self._is_busy:
            sentence = (
                f"Another recording is being analysed. Try again in {_RETRY_AFTER_S} seconds."
            )
            raise come_again(503, "analysing", sentence, _RETRY_AFTER_S)
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False
            self._analyst = None

    async def _opened(self, analyst: AnalystProcess) -> float | None:
        """Return how long the recording says that it lasts, in seconds, or None.

        Raises:
            RefusalError: it is none that can be analysed.
        """
        try:
            async with asyncio.timeout(_OPENING_PATIENCE_S):
                said = await analyst.line()
        except TimeoutError as error:
            raise RefusalError(
                422, "not_media", "It takes too long to open this recording; is it damaged?"
            ) from error
        if said is None:
            raise await self._breakdown(analyst)
        if said["type"] == "refused":
            raise RefusalError(415, "not_media", f"{said['error']} {_KINDS}")
        duration_s: float | None = said["duration_s"]
        if duration_s is not None and duration_s > self._config.max_length_s:
            raise RefusalError(413, "too_long", self._too_long(f"lasts {duration_s:.0f} s"))
        return duration_s

    async def _told(
        self, analyst: AnalystProcess, duration_s: float | None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield each line of the answer; the last is a summary or an error."""
        loop = asyncio.get_running_loop()
        latest, progress_due, time_s = loop.time() + self._config.most_time_s, 0.0, 0.0
        while (now := loop.time()) < latest:
            if now >= progress_due:
                yield {"type": "progress", "time_s": time_s, "duration_s": duration_s}
                progress_due = loop.time() + _PROGRESS_S
            try:
                async with asyncio.timeout_at(progress_due):
                    said = await analyst.line()
            except TimeoutError:
                continue
            if said is None:
                yield _error((await self._breakdown(analyst)).sentence)
                return
            time_s = said.get("time_s", time_s)
            if time_s > self._config.max_length_s:
                yield _error(self._too_long("is longer than it says"))
                return
            yield said
            if said["type"] != "moment":
                return
        most_s = self._config.most_time_s
        yield _error(f"The analysis took longer than {most_s:.0f} s; send a shorter recording.")

    async def _breakdown(self, analyst: AnalystProcess) -> RefusalError:
        """Say why the process has ended in the middle of its work."""
        code = await analyst.exit_code()
        if self._is_ending:
            return _stopping()
        _log.warning("the analysis of a recording ended with %d", code)
        if code < 0:  # a signal: a limit of the system, or a crash
            sentence = "It takes too much to decode this recording; is it damaged?"
            return RefusalError(422, "not_media", sentence)
        return RefusalError(
            500, "fault", "The analysis failed on the server; its log has the details."
        )

    def _too_long(self, what: str) -> str:
        return f"The recording {what}; it may last {self._config.max_length_s:g} s."


async def _refuse(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
    raise RefusalError(
        403,
        "uploads_off",
        "This server analyses no recordings; its operator can allow it with --allow-upload.",
    )


async def _expect_no_more(request: web.Request) -> None:
    """Leave it to ``rtc.uploads.receive`` to have the body sent, once nothing is against it."""


async def _as_json(lines: AsyncGenerator[dict[str, Any], None]) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(lines):
        async for line in lines:
            yield f"{json.dumps(line)}\n".encode()


def _stopping() -> RefusalError:
    return come_again(503, "stopping", "The server is about to stop.", _RETRY_AFTER_S)


def _error(sentence: str) -> dict[str, Any]:
    return {"type": "error", "error": sentence}
