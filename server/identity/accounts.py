"""Staff accounts: found, signed in to, and what people may change of their own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from server.identity.account import (
    Account,
    AccountProblem,
    AccountRows,
    OnFile,
    StaffRole,
    check_password,
    checked_login,
    checked_name,
    clean_login,
    written,
)
from server.identity.passwords import Crowded, Passwords
from server.identity.sealing import HouseSeal
from server.identity.staff import ending
from server.identity.staff_links import StaffLinks
from server.identity.tries import Tries
from server.ports import Clock, Conflict, Database, NewId, Statement

FIRST_ROLES = frozenset({StaffRole.ADMIN, StaffRole.WORKER})
"""Of an account that is made by the operator's link: somebody has to invite the others."""


class SignInProblem(Exception):
    """Nobody is signed in. `code`: `wrong` (name, password or code), or `slow_down` (wait a little, then try again)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Proven(msgspec.Struct, frozen=True):
    """Somebody has shown that they know an account's password.

    `still`: holds only as long as that password is good; write it in the transaction that is built on it.
    """

    account: Account
    second_step: bool
    still: Statement

    def __repr__(self) -> str:
        return f"Proven({self.account.id})"


class Accounts:
    """All accounts of this installation."""

    def __init__(self, database: Database, vault: HouseSeal, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._rows = AccountRows(database, vault)
        self._links = StaffLinks(database, clock)
        self._clock = clock
        self._new_id = new_id
        self._passwords = Passwords()
        self._tries = Tries(clock)

    # --- finding ---

    async def exist(self) -> bool:
        """Whether anybody can sign in at all. When not, print a start link."""
        sql = "SELECT 1 AS one FROM accounts WHERE disabled = 0 AND password IS NOT NULL LIMIT 1"
        return bool(await self._database.read(sql))

    async def get(self, account_id: str) -> Account | None:
        """An account that may still be used."""
        found = await self.on_file(account_id)
        return None if found is None or found.disabled else found.account

    async def on_file(self, account_id: str) -> OnFile | None:
        """An account, also one that was disabled."""
        row = await self._rows.of_id(account_id)
        return None if row is None else self._rows.on_file(row)

    async def called(self, name: str) -> OnFile | None:
        """An account by the name to sign in with; by its id while it has none."""
        row = await self._rows.of_login(clean_login(name))
        return self._rows.on_file(row) if row is not None else await self.on_file(name)

    async def all(self) -> Sequence[OnFile]:
        """Every account, the oldest first."""
        return await self._rows.all()

    # --- taking an account up ---

    async def create(self, login: str, password: str, shown: str, job: str, *also: Statement) -> Account:
        """Make an account for the operator. `also` is written in the same transaction, or the account is not made.

        Raises:
            AccountProblem: with the code of what to ask for again. Nothing was written.
            Conflict: a statement in `also` did not fit.
        """
        login = checked_login(login)
        check_password(password)
        account = Account(self._new_id(), *checked_name(shown, job), FIRST_ROLES)
        making = Statement(
            "INSERT INTO accounts (id, login_hash, sealed, password, roles, disabled, created_at) "
            "VALUES ($1, $2, $3, $4, $5, 0, $6)",
            (
                account.id,
                self._rows.login_hash(login),
                self._rows.sealed(account.id, login, account.shown, account.job),
                await self._hash(password),
                written(account.roles),
                self._clock.wall(),
            ),
            rows=1,
        )
        await self._write_with_login(account.id, login, *also, making)
        return account

    async def at_link(self, token: str) -> OnFile | None:
        """The account that a one-time link is for; None when it does not work (any more). Changes nothing."""
        account = await self._links.account_of(token)
        found = await self.on_file(account) if account else None
        return None if found is None or found.disabled else found

    async def take_up(self, token: str, login: str, password: str) -> Proven:
        """Use a one-time link up: from now on its account has this password.

        Args:
            login: the name to sign in with; not looked at when the account has one already.

        Raises:
            AccountProblem: with the code of what to ask for again, or `no_link`. Nothing was written.
        """
        found = await self.at_link(token)
        if found is None:
            raise AccountProblem("no_link")
        account = found.account
        login = found.login or checked_login(login)
        check_password(password)
        hashed = await self._hash(password)
        taking = Statement(
            "UPDATE accounts SET login_hash = $1, sealed = $2, password = $3 "
            "WHERE id = $4 AND password IS NULL AND disabled = 0",
            (
                self._rows.login_hash(login),
                self._rows.sealed(account.id, login, account.shown, account.job),
                hashed,
                account.id,
            ),
            rows=1,
        )
        try:
            await self._write_with_login(account.id, login, self._links.using_up(token), taking)
        except Conflict:
            raise AccountProblem("no_link") from None
        return Proven(account, False, _still(account.id, hashed))

    async def _hash(self, password: str) -> str:
        try:
            return await self._passwords.hash(password)
        except Crowded:
            raise AccountProblem("slow_down") from None

    async def _write_with_login(self, account_id: str, login: str, *statements: Statement) -> None:
        try:
            await self._database.write(*statements)
        except Conflict:
            # The tables let in only the first of two with one name.
            row = await self._rows.of_login(login)
            if row is not None and row["id"] != account_id:
                raise AccountProblem("login_taken") from None
            raise

    # --- signing in ---

    async def sign_in(self, login: str, password: str, peer: str) -> Proven:
        """The account that this name and password belong to. A wrong name takes as long as a wrong password.

        Args:
            peer: the address from which it is tried. Only who guesses from there has to wait.

        Raises:
            SignInProblem: with a code.
        """
        login = clean_login(login)
        if not self._tries.take(login, peer):
            raise SignInProblem("slow_down")
        row = await self._rows.of_login(login)
        try:
            nobodys = await self._passwords.hash_of_nobody()  # Made at the first try of all, whoever it is.
            known = row is not None and row["password"] is not None and not row["disabled"]
            stored = str(row["password"]) if row is not None and known else nobodys
            right = await self._passwords.verify(stored, password, self._tries.lately(peer))
        except Crowded:
            raise SignInProblem("slow_down") from None
        if row is None or not known or not right:
            raise SignInProblem("wrong")
        self._tries.forget(login, peer)
        found = self._rows.on_file(row)
        stored = await self._made_anew(found.account.id, stored, password)
        return Proven(found.account, found.second_step, _still(found.account.id, stored))

    async def confirm(self, account: Account, password: str, peer: str) -> Proven:
        """Whoever is signed in shows once more that they know the password. Raises `SignInProblem`."""
        if not self._tries.take(account.id, peer):
            raise SignInProblem("slow_down")
        row = await self._rows.of_id(account.id)
        stored = str(row["password"]) if row is not None else ""
        try:
            right = await self._passwords.verify(stored, password, self._tries.lately(peer))
        except Crowded:
            raise SignInProblem("slow_down") from None
        if row is None or row["disabled"] or not right:
            raise SignInProblem("wrong")
        self._tries.forget(account.id, peer)
        found = self._rows.on_file(row)
        return Proven(found.account, found.second_step, _still(account.id, stored))

    async def _made_anew(self, account_id: str, stored: str, password: str) -> str:
        """The hash that is stored from now on. One that is old is replaced, unless the password changed meanwhile."""
        if not self._passwords.is_old(stored):
            return stored
        try:
            new = await self._passwords.hash(password)
        except Crowded:
            return stored  # The next sign-in makes it.
        await self._database.write(
            Statement("UPDATE accounts SET password = $1 WHERE id = $2 AND password = $3", (new, account_id, stored))
        )
        return new

    # --- what people change of their own ---

    async def rename(self, account: Account, shown: str, job: str) -> None:
        """Change the name and job that people see. Raises `AccountProblem`."""
        shown, job = checked_name(shown, job)
        found = await self.on_file(account.id)
        assert found is not None, "accounts are never deleted"
        sealed = self._rows.sealed(account.id, found.login, shown, job)
        await self._database.write(
            Statement("UPDATE accounts SET sealed = $1 WHERE id = $2", (sealed, account.id), rows=1)
        )

    async def change_password(self, proven: Proven, new: str, but: str | None) -> Sequence[str]:
        """Give the account another password; every sign-in but that of the cookie `but` ends. Gives the hashes of
        those that ended.

        Raises:
            AccountProblem: this password will not do.
            SignInProblem: the one that was proven has been changed meanwhile.
        """
        check_password(new)
        setting = Statement(
            "UPDATE accounts SET password = $1 WHERE id = $2",
            (await self._hash(new), proven.account.id),
            rows=1,
        )
        try:
            *_, ended, _ = await self._database.write(
                proven.still, setting, *ending(proven.account.id, self._clock.wall(), but)
            )
        except Conflict:
            raise SignInProblem("wrong") from None
        return [str(row["hash"]) for row in ended]


def _still(account_id: str, stored: str) -> Statement:
    return Statement(
        "UPDATE accounts SET password = password WHERE id = $1 AND password = $2 AND disabled = 0",
        (account_id, stored),
        rows=1,
    )
