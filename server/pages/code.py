"""A code that somebody was told: one field. What it leads to is the door, without the link."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity.codes import WRITTEN_AT_MOST
from server.identity.gate import Found, Gate, NotLive, Wait
from server.pages.door import Door
from server.pages.peers import peer_of
from server.pages.rendering import Pages, field, form_of
from server.words import N_

NOT_LIVE = N_(
    "This code does not open a page now. A code works for one device and 15 minutes. "
    "Please compare it letter by letter, or ask for a new one."
)
WAIT = N_(
    "It takes a little longer just now. Please wait a moment, then press the button again. "
    "If you have a link, you can use it at once."
)


def routes(pages: Pages, gate: Gate, door: Door) -> list[BaseRoute]:
    async def look(request: Request) -> Response:
        return _page(request)

    async def try_it(request: Request) -> Response:
        form = await form_of(request)
        written = field(form, "code")
        match await gate.look(written, peer_of(request, pages.settings.proxies)):
            case Found(invitation, code):
                return await door.by_code(request, invitation, code, form)
            case NotLive():
                return _page(request, 422, written, pages.words(NOT_LIVE))
            case Wait():
                return _page(request, 429, written, pages.words(WAIT))

    def _page(request: Request, status: int = 200, written: str = "", problem: str | None = None) -> Response:
        written = written[:WRITTEN_AT_MOST]
        return pages.show(request, "code", status, written=written, longest=WRITTEN_AT_MOST, problem=problem)

    return [Route("/code", look), Route("/code", try_it, methods=["POST"])]
