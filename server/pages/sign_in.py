"""Signing in and out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import STAFF_COOKIE, Account, Accounts, SignInProblem, StaffSessions
from server.pages.cookies import give_staff, take_staff
from server.pages.peers import peer_of
from server.pages.rendering import Pages, field, form_of, to
from server.words import N_

PROBLEMS = {
    "wrong": N_("That name and password do not belong together. Please look at both and try again."),
    "slow_down": N_("Please wait a minute, then try again."),
}
STATUS = {"wrong": 422, "slow_down": 429}


def routes(pages: Pages, accounts: Accounts, staff: StaffSessions) -> list[BaseRoute]:
    secure = pages.settings.secure

    async def look(request: Request) -> Response:
        if await signed_in(request, accounts, staff):
            return to("/desk")
        return pages.show(request, "sign_in", problem=None, login="")

    async def sign_in(request: Request) -> Response:
        form = await form_of(request)
        login = field(form, "login")
        try:
            account = await accounts.sign_in(login, field(form, "password"), peer_of(request, pages.settings.proxies))
        except SignInProblem as problem:
            said = pages.words(PROBLEMS[problem.code])
            return pages.show(request, "sign_in", STATUS[problem.code], problem=said, login=login)
        await staff.close(request.cookies.get(STAFF_COOKIE))
        response = to("/desk")
        give_staff(response, await staff.open(account.id), secure)
        return response

    async def sign_out(request: Request) -> Response:
        await staff.close(request.cookies.get(STAFF_COOKIE))
        response = to("/sign-in")
        take_staff(response, secure)
        return response

    return [
        Route("/sign-in", look),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    ]


async def signed_in(request: Request, accounts: Accounts, staff: StaffSessions) -> Account | None:
    """Who this browser is signed in as."""
    account = await staff.check(request.cookies.get(STAFF_COOKIE))
    return await accounts.get(account) if account else None
