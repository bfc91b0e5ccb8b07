"""The one-time link from an admin: a password of one's own. Looking at it uses nothing up."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import AccountProblem, Accounts, OnFile
from server.pages.account_problems import PROBLEMS
from server.pages.rendering import Pages, field, form_of
from server.pages.signing_in import SigningIn
from server.ports import Conflict
from server.words import N_

NOT_OPEN = N_("This link does not open anything now. Ask the person who gave it to you for a new one.")


def routes(pages: Pages, accounts: Accounts, signing_in: SigningIn) -> list[BaseRoute]:
    async def look(request: Request) -> Response:
        found = await accounts.at_link(_token(request))
        return _closed(request) if found is None else _page(request, found)

    async def take_up(request: Request) -> Response:
        form = await form_of(request)
        login = field(form, "login")
        try:
            proven = await accounts.take_up(_token(request), login, field(form, "password"))
            return await signing_in.begin(request, proven.account, proven.second_step, proven.still)
        except AccountProblem as problem:
            found = await accounts.at_link(_token(request))
            if found is not None:
                return _page(request, found, login, problem.code)
        except Conflict:
            pass  # Disabled, or reset once more, at this very moment.
        return _closed(request)

    def _page(request: Request, found: OnFile, login: str = "", problem: str | None = None) -> Response:
        return pages.show(
            request,
            "welcome",
            422 if problem else 200,
            token=_token(request),
            found=found,
            login=login,
            problem=pages.words(PROBLEMS[problem]) if problem else None,
        )

    def _closed(request: Request) -> Response:
        return pages.plain(request, pages.words(NOT_OPEN), 404)

    return [Route("/welcome/{token}", look), Route("/welcome/{token}", take_up, methods=["POST"])]


def _token(request: Request) -> str:
    return str(request.path_params["token"])
