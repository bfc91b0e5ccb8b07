"""Signing in, in two steps, and out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import Account, Accounts, SecondSteps, SignInProblem, StaffSessions, Stage
from server.pages.account_problems import PROBLEMS as OF_ACCOUNTS
from server.pages.account_problems import status_of
from server.pages.cookies import give_staff, take_staff
from server.pages.peers import peer_of
from server.pages.rendering import Pages, field, form_of, to
from server.pages.second_step import SettingUp
from server.pages.signing_in import SigningIn
from server.pages.staff_only import StaffOnly, page_after
from server.ports import Conflict
from server.words import N_

PROBLEMS = {
    "wrong": N_("That name and password do not belong together. Please look at both and try again."),
    "slow_down": OF_ACCOUNTS["slow_down"],
}


def routes(
    pages: Pages,
    accounts: Accounts,
    staff: StaffSessions,
    second_steps: SecondSteps,
    staff_only: StaffOnly,
    signing_in: SigningIn,
    setting_up: SettingUp,
) -> list[BaseRoute]:
    secure = pages.settings.secure

    async def look(request: Request) -> Response:
        known = await staff_only.known(request)
        if known is not None:
            return to(page_after(known.account, known.sign_in.stage))
        return pages.show(request, "sign_in", problem=None, login="")

    async def sign_in(request: Request) -> Response:
        form = await form_of(request)
        login = field(form, "login")
        try:
            proven = await accounts.sign_in(login, field(form, "password"), peer_of(request, pages.settings.proxies))
            return await signing_in.begin(request, proven.account, proven.second_step, proven.still)
        except SignInProblem as problem:
            code = problem.code
        except Conflict:
            code = "wrong"  # The password was changed, or the account disabled, at this very moment.
        said = pages.words(PROBLEMS[code])
        return pages.show(request, "sign_in", status_of(code), problem=said, login=login)

    async def ask_code(request: Request, account: Account) -> Response:
        return pages.show(request, "sign_in_code", problem=None)

    async def take_code(request: Request, account: Account) -> Response:
        given = field(await form_of(request), "code")
        try:
            using = await second_steps.using(account, given, peer_of(request, pages.settings.proxies))
        except SignInProblem as problem:
            return _code_again(request, problem.code)
        token = await staff.advance(_token(request), Stage.CODE, using)
        if token is None:
            return _code_again(request, "wrong")
        second_steps.forget(account)
        response = to(page_after(account))
        give_staff(response, token, secure)
        return response

    def _code_again(request: Request, code: str) -> Response:
        said = pages.words(OF_ACCOUNTS["wrong_code" if code == "wrong" else code])
        return pages.show(request, "sign_in_code", status_of(code), problem=said)

    async def ask_set_up(request: Request, account: Account) -> Response:
        return await setting_up.show(request, account, "/sign-in/set-up", ask_password=False)

    async def set_up(request: Request, account: Account) -> Response:
        form = await form_of(request)
        secret = second_steps.unwrapped(account, field(form, "wrapped"))
        made = second_steps.setting_up(account, secret, field(form, "code"), replacing=False) if secret else None
        if made is None:
            return await setting_up.show(
                request, account, "/sign-in/set-up", ask_password=False, secret=secret, problem="wrong_code"
            )
        codes, statements = made
        token = await staff.advance(_token(request), Stage.SET_UP, *statements)
        if token is None:
            await signing_in.end(request)
            return to("/sign-in")  # It has been set up elsewhere meanwhile: a code is asked for now.
        response = setting_up.codes(request, account, codes, page_after(account))
        give_staff(response, token, secure)
        return response

    async def sign_out(request: Request) -> Response:
        await signing_in.end(request)
        response = to("/sign-in")
        take_staff(response, secure)
        return response

    def _token(request: Request) -> str:
        return staff_only.token(request) or ""

    return [
        Route("/sign-in", look),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-in/code", staff_only.at(Stage.CODE, ask_code)),
        Route("/sign-in/code", staff_only.at(Stage.CODE, take_code), methods=["POST"]),
        Route("/sign-in/set-up", staff_only.at(Stage.SET_UP, ask_set_up)),
        Route("/sign-in/set-up", staff_only.at(Stage.SET_UP, set_up), methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    ]
