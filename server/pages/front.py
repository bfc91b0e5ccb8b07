"""The front page, and the plain pages where a session has been."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.pages.rendering import Pages


def routes(pages: Pages) -> list[BaseRoute]:
    async def front(request: Request) -> Response:
        return pages.show(request, "front")

    async def left(request: Request) -> Response:
        return pages.show(request, "left")

    return [Route("/", front), Route("/left", left)]
