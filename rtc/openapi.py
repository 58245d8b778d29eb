"""Says to programs what can be asked of the server: its OpenAPI description."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

_DESCRIPTION = Path(__file__).with_name("openapi.json")


def add_openapi(app: web.Application) -> None:
    """Answer ``GET /openapi.json`` with the description (OpenAPI 3.1).

    Raises:
        FileNotFoundError: the package was installed without it.
    """
    body = _DESCRIPTION.read_bytes()

    async def description(request: web.Request) -> web.Response:  # noqa: ARG001  aiohttp's signature
        return web.Response(
            body=body, content_type="application/json", headers={"Cache-Control": "no-cache"}
        )

    app.router.add_get("/openapi.json", description)
