"""The two pages by which a second step is set up: a picture for the app, then the recovery codes."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from server.identity import Account, Accounts, SecondSteps
from server.pages.account_problems import PROBLEMS, status_of
from server.pages.qr import qr
from server.pages.rendering import Pages


class SettingUp:
    """The same pages while signing in and on the own account's page."""

    def __init__(self, pages: Pages, accounts: Accounts, second_steps: SecondSteps) -> None:
        self._pages = pages
        self._accounts = accounts
        self._second_steps = second_steps

    async def show(
        self,
        request: Request,
        account: Account,
        action: str,
        ask_password: bool,
        secret: str | None = None,
        problem: str | None = None,
    ) -> Response:
        """The page with the picture.

        Args:
            action: where its form goes.
            secret: the one of the form that was sent; None for a new one.
            problem: the code of what to try again.
        """
        secret = secret or self._second_steps.new_secret()
        found = await self._accounts.on_file(account.id)
        assert found is not None and found.login is not None, "whoever is signed in has a name to sign in with"
        address = self._second_steps.address(secret, found.login, self._pages.settings.name_shown)
        return self._pages.show(
            request,
            "second_step",
            status_of(problem) if problem else 200,
            action=action,
            ask_password=ask_password,
            account=account,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            wrapped=self._second_steps.wrapped(account, secret),
            picture=qr(address),
            problem=self._pages.words(PROBLEMS[problem]) if problem else None,
        )

    def codes(self, request: Request, account: Account, codes: Sequence[str], onward: str) -> Response:
        """The page with the recovery codes, seen once. `onward`: where it leads next."""
        return self._pages.show(request, "recovery_codes", account=account, codes=codes, onward=onward)
