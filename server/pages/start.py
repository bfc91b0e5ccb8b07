"""The one-time link that the server prints: practice, and the first account. Looking at it changes nothing; the first
form that is sent binds it to that browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import Account, AccountProblem, Accounts, StartLinks
from server.pages.account_problems import PROBLEMS
from server.pages.cookies import START_COOKIE, give_start
from server.pages.practice import Practice
from server.pages.refusals import BUSY
from server.pages.rendering import Pages, field, form_of
from server.pages.signing_in import SigningIn
from server.ports import Conflict, StoreUnavailable
from server.words import N_

Answer = Callable[[Request], Awaitable[Response]]

NOT_OPEN = N_("This link does not open anything here. Ask the person who runs this server for a new one.")


def routes(
    pages: Pages, links: StartLinks, accounts: Accounts, signing_in: SigningIn, practice: Practice
) -> list[BaseRoute]:
    secure = pages.settings.secure

    async def look(request: Request) -> Response:
        if not await links.works(_token(request), request.cookies.get(START_COOKIE)):
            return _closed(request)
        return pages.show(
            request, "start", token=_token(request), problem=None, given={"shown": "", "job": "", "login": ""}
        )

    def bound(answer: Answer) -> Answer:
        """Give the link to this browser first. What comes of the form then is not the link's doing: it stays good."""

        async def checked(request: Request) -> Response:
            await form_of(request)  # One that cannot be read binds nothing.
            browser = await links.bind(_token(request), request.cookies.get(START_COOKIE))
            if browser is None:
                return _closed(request)
            try:
                response = await answer(request)
            except StoreUnavailable:
                response = pages.plain(request, pages.words(BUSY), 503)
            give_start(response, _token(request), browser, secure)
            return response

        return checked

    async def start_practice(request: Request) -> Response:
        return await practice.start()

    async def make_account(request: Request) -> Response:
        form = await form_of(request)
        try:
            account = await _created(form, _token(request))
        except AccountProblem as problem:
            return _again(request, form, problem.code)
        except Conflict:
            return _closed(request)
        return await signing_in.begin(request, account, False)

    async def _created(form: FormData, token: str) -> Account:
        # The account and the end of the link are one transaction: two forms sent at once make one account.
        return await accounts.create(
            field(form, "login"),
            field(form, "password"),
            field(form, "shown"),
            field(form, "job"),
            links.using_up(token),
        )

    def _again(request: Request, form: FormData, code: str) -> Response:
        given = {name: field(form, name) for name in ("shown", "job", "login")}
        problem = pages.words(PROBLEMS[code])
        return pages.show(request, "start", 422, token=_token(request), problem=problem, given=given)

    def _closed(request: Request) -> Response:
        return pages.plain(request, pages.words(NOT_OPEN), 404)

    return [
        Route("/start/{token}", look),
        Route("/start/{token}/practice", bound(start_practice), methods=["POST"]),
        Route("/start/{token}/account", bound(make_account), methods=["POST"]),
    ]


def _token(request: Request) -> str:
    return str(request.path_params["token"])
