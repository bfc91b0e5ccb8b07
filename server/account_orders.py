"""`python -m server account …`: what admins do on their page, for when nobody can get in."""

from __future__ import annotations

from collections.abc import Sequence

from server.control import ControlProblem
from server.identity import AccountProblem, Accounts, Keeping, OnFile, StaffRole
from server.removals import Removals

PROBLEMS = {
    "shown": "Give a name that people can read. Name and job together have room for 38 letters.",
    "roles": "Roles are worker, supervisor and admin: give at least one of them.",
    "last_admin": "This is the last admin who can sign in. Make another one first.",
    "disabled": "This account is disabled. Enable it first.",
}


class AccountOrders:
    """Carries the command out, in the running server or alone."""

    def __init__(self, accounts: Accounts, keeping: Keeping, put_out: Removals, public_url: str) -> None:
        self._accounts = accounts
        self._keeping = keeping
        self._put_out = put_out
        self._public_url = public_url

    async def carry_out(self, arguments: Sequence[str]) -> str:
        """What to print. `arguments`: as `server.__main__` puts them.

        Raises:
            ControlProblem: nothing was done.
        """
        try:
            match arguments:
                case ["list"]:
                    return "\n".join(_line(each) for each in await self._accounts.all()) or "There is no account yet."
                case ["invite", name, job, *roles]:
                    _, token = await self._keeping.invite(name, job, roles)
                    return self._link(token)
                case ["reset", login]:
                    return await self._reset(await self._called(login))
                case ["disable", login]:
                    return await self._disable(await self._called(login))
                case ["enable", login]:
                    await self._keeping.enable((await self._called(login)).account.id)
                    return f"{login} can be used again."
                case ["roles", login, *roles]:
                    return await self._set_roles(await self._called(login), roles)
        except AccountProblem as problem:
            raise ControlProblem(PROBLEMS[problem.code]) from None
        raise ControlProblem("no such command for accounts")

    async def _reset(self, found: OnFile) -> str:
        token = await self._keeping.reset(found.account.id, even_the_last_admin=True)
        await self._put_out.account(found.account.id)
        return self._link(token)

    async def _disable(self, found: OnFile) -> str:
        await self._keeping.disable(found.account.id)
        await self._put_out.account(found.account.id)
        return "Disabled. All its sign-ins have ended."

    async def _set_roles(self, found: OnFile, words: Sequence[str]) -> str:
        roles = await self._keeping.set_roles(found.account.id, words)
        if StaffRole.WORKER in found.account.roles - roles:
            await self._put_out.account(found.account.id)
        return f"Roles: {', '.join(sorted(roles))}."

    async def _called(self, login: str) -> OnFile:
        found = await self._accounts.called(login)
        if found is None:
            raise ControlProblem(f"There is no account {login!r}. See: account list")
        return found

    def _link(self, token: str) -> str:
        return f"Open this link once, within 7 days: {self._public_url}/welcome/{token}"


def _line(each: OnFile) -> str:
    account = each.account
    return "  ".join((each.login or account.id, account.name_and_job, ",".join(sorted(account.roles)), each.state))
