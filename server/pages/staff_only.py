"""Pages for those who are signed in, and for those of them with a certain role.

Whoever is not signed in is asked to; whoever has another role is answered as at an address that does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import Account, Accounts, SignIn, StaffRole, StaffSessions, Stage, staff_cookie
from server.pages.rendering import have_form, to

Answer = Callable[[Request], Awaitable[Response]]
AnswerStaff = Callable[[Request, Account], Awaitable[Response]]

STEPS = {Stage.CODE: "/sign-in/code", Stage.SET_UP: "/sign-in/set-up"}
"""Where a sign-in that is not complete goes on. It opens nothing else."""


class Known(msgspec.Struct, frozen=True):
    """A browser that is signed in, or on its way."""

    account: Account
    sign_in: SignIn


class StaffOnly:
    """Wraps the answers of pages: `staff_only(answer)`, `staff_only(answer, StaffRole.ADMIN)`."""

    def __init__(self, accounts: Accounts, staff: StaffSessions, secure: bool) -> None:
        self._accounts = accounts
        self._staff = staff
        self._secure = secure

    def __call__(self, answer: AnswerStaff, *roles: StaffRole, counts: bool = True) -> Answer:
        """Answer only an account that is signed in and, if `roles` are named, has at least one of them.

        Args:
            counts: whether to ask for it is to use the sign-in. What a page asks for by itself is not.
        """

        async def checked(request: Request) -> Response:
            await have_form(request)
            known = await self.known(request, counts=counts)
            if known is None:
                return to("/sign-in")
            if known.sign_in.stage is not Stage.IN:
                return to(STEPS[known.sign_in.stage])
            if roles and not known.account.roles & frozenset(roles):
                raise HTTPException(404)
            return await answer(request, known.account)

        return checked

    def at(self, stage: Stage, answer: AnswerStaff) -> Answer:
        """Answer only a sign-in that stands at `stage`. Everybody else finds their way from the front of it."""

        async def checked(request: Request) -> Response:
            known = await self.known(request)
            if known is None or known.sign_in.stage is not stage:
                return to("/sign-in")
            return await answer(request, known.account)

        return checked

    def nowhere(self, under: str) -> list[BaseRoute]:
        """Every other address under `under`, and every other method: put it behind the routes that there are.

        It is answered as a page that somebody's role does not open: in the same bytes, and after the same questions to
        the database, so that neither tells which addresses there are.
        """

        async def answer(request: Request, account: Account) -> Response:
            raise HTTPException(404)

        return [Route(path, self(answer), methods=["GET", "POST"]) for path in (under, f"{under}/{{rest:path}}")]

    async def known(self, request: Request, *, counts: bool = True) -> Known | None:
        """Who this browser is signed in as, at whatever stage."""
        sign_in = await self._staff.check(self.token(request), counts=counts)
        account = await self._accounts.get(sign_in.account) if sign_in else None
        return Known(account, sign_in) if account and sign_in else None

    def token(self, request: Request) -> str | None:
        """The value of the cookie that signs this browser in."""
        return request.cookies.get(staff_cookie(self._secure))


def page_after(account: Account, stage: Stage = Stage.IN) -> str:
    """Where somebody goes from the sign-in page."""
    if stage is not Stage.IN:
        return STEPS[stage]
    return "/admin" if account.roles == {StaffRole.ADMIN} else "/desk"
