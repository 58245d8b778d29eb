"""The pages, and what they are made of."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

WEB_FOLDER = Path(__file__).resolve().parent.parent / "web"
_FILES: web.AppKey[frozenset[str]] = web.AppKey("files")


def add_pages(app: web.Application) -> None:
    """Serve ``/``, ``/watch`` and their files."""
    app[_FILES] = frozenset(
        each.name for each in WEB_FOLDER.iterdir() if each.is_file() and not each.is_symlink()
    )
    app.router.add_get("/", page)
    app.router.add_get("/watch", watch)
    app.router.add_get("/static/{path}", file)


async def page(request: web.Request) -> web.StreamResponse:  # noqa: ARG001  aiohttp's signature
    """``GET /``: the page."""
    return web.FileResponse(WEB_FOLDER / "index.html")


async def watch(request: web.Request) -> web.StreamResponse:  # noqa: ARG001  as above
    """``GET /watch``: the page that shows somebody else's results."""
    return web.FileResponse(WEB_FOLDER / "watch.html")


async def file(request: web.Request) -> web.StreamResponse:
    """``GET /static/{path}``: what the pages are made of, and nothing beside."""
    if request.match_info["path"] not in request.app[_FILES]:
        raise web.HTTPNotFound
    return web.FileResponse(WEB_FOLDER / request.match_info["path"])
