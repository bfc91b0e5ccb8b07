"""What is shown when there is nothing to show: a sentence that says what to do next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.pages.opening import Refused
from server.pages.rendering import Pages
from server.ports import Conflict, StoreUnavailable
from server.words import N_

SENTENCES = {
    404: N_("There is no page at this address. Please look at the address again, or go to the front page."),
    405: N_("This address is for a form only. Please go to the front page."),
    413: N_("That was more than we can take at once. Please make it shorter."),
}
OTHER = N_("That did not work. Please go back, load the page again, and try once more.")
BUSY = N_("It is taking a little longer. Please try again in a moment.")
CHANGED = N_("This has changed in the meantime. Please load the page again, then try once more.")
OURS = N_("Something here is not working. It is not your doing. Please try again in a moment.")

Handlers = Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]


def handlers(pages: Pages) -> Handlers:
    """For Starlette's `exception_handlers`."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = pages.plain(request, pages.words(SENTENCES.get(error.status_code, OTHER)), error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def busy(request: Request, error: Exception) -> Response:
        response = pages.plain(request, pages.words(BUSY), 503)
        response.headers["Retry-After"] = "2"
        return response

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return pages.plain(request, pages.words.refusal(error.code), 409)

    async def changed(request: Request, error: Exception) -> Response:
        return pages.plain(request, pages.words(CHANGED), 409)

    async def ours(request: Request, error: Exception) -> Response:
        # It is raised again after this answer: the guard logs it.
        return pages.plain(request, pages.words(OURS), 500)

    return {HTTPException: http, StoreUnavailable: busy, Refused: refused, Conflict: changed, Exception: ours}
