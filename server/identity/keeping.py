"""What admins do with accounts: invite, reset, disable, enable, and say what each is for."""

from __future__ import annotations

from collections.abc import Iterable

from server.identity.account import Account, AccountProblem, AccountRows, StaffRole, checked_name, roles_of, written
from server.identity.sealing import HouseSeal
from server.identity.staff import ending
from server.identity.staff_links import StaffLinks
from server.identity.tickets import tickets_of_account_end
from server.ports import Clock, Conflict, Database, NewId, Statement

# Two admins may do it to each other at one moment. So before anything is changed all admins are locked: whoever comes
# second waits, and then finds what the first has done.
_LOCK_ADMINS = "UPDATE accounts SET roles = roles WHERE ',' || roles || ',' LIKE '%,admin,%'"
# An admin who can sign in.
_IS_ADMIN = "({0}.disabled = 0 AND {0}.password IS NOT NULL AND ',' || {0}.roles || ',' LIKE '%,admin,%')"
_ANOTHER = f"EXISTS (SELECT 1 FROM accounts AS other WHERE other.id <> accounts.id AND {_IS_ADMIN.format('other')})"
_AN_ADMIN_IS_LEFT = f"(NOT {_IS_ADMIN.format('accounts')} OR {_ANOTHER})"


class Keeping:
    """Changes accounts for an admin. The last admin who can sign in stays one."""

    def __init__(self, database: Database, vault: HouseSeal, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._rows = AccountRows(database, vault)
        self._links = StaffLinks(database, clock)
        self._clock = clock
        self._new_id = new_id

    async def invite(self, shown: str, job: str, roles: Iterable[str]) -> tuple[Account, str]:
        """Make an account that nobody can sign in to yet, and the token of the one-time link for its person.

        Raises:
            AccountProblem: `shown` or `roles`.
        """
        account = Account(self._new_id(), *checked_name(shown, job), roles_of(roles))
        token, linking = self._links.making(account.id)
        making = Statement(
            "INSERT INTO accounts (id, sealed, roles, created_at) VALUES ($1, $2, $3, $4)",
            (
                account.id,
                self._rows.sealed(account.id, None, account.shown, account.job),
                written(account.roles),
                self._clock.wall(),
            ),
            rows=1,
        )
        await self._database.write(making, *linking)
        return account, token

    async def reset(self, account_id: str, even_the_last_admin: bool = False) -> str:
        """Take password and second step away and end all sign-ins; gives the token of a new one-time link.

        Call `Removals.account` next.

        Args:
            even_the_last_admin: for the operator, who needs no sign-in to go on.

        Raises:
            AccountProblem: `last_admin`; or `disabled`: a link would open nothing.
        """
        row = await self._rows.of_id(account_id)
        if row is not None and row["disabled"]:
            raise AccountProblem("disabled")
        token, linking = self._links.making(account_id)
        may = "TRUE" if even_the_last_admin else _AN_ADMIN_IS_LEFT
        await self._change(
            f"UPDATE accounts SET password = NULL, totp = NULL, totp_step = NULL WHERE id = $1 AND {may}",
            (account_id,),
            Statement("DELETE FROM recovery_codes WHERE account = $1", (account_id,)),
            *self._out(account_id),
            *linking,
        )
        return token

    async def disable(self, account_id: str) -> None:
        """From now on the account opens nothing: all its sign-ins and tickets have ended. Call `Removals.account` next,
        which closes what is connected.

        Raises:
            AccountProblem: `last_admin`.
        """
        sql = f"UPDATE accounts SET disabled = 1 WHERE id = $1 AND {_AN_ADMIN_IS_LEFT}"
        await self._change(sql, (account_id,), *self._out(account_id))

    async def enable(self, account_id: str) -> None:
        """The account can be used again, with the password and second step that it had."""
        await self._change("UPDATE accounts SET disabled = 0 WHERE id = $1", (account_id,))

    async def set_roles(self, account_id: str, words: Iterable[str]) -> frozenset[StaffRole]:
        """Say what the account is for from now on. Call `Removals.account` next.

        Raises:
            AccountProblem: `roles` or `last_admin`.
        """
        roles = roles_of(words)
        may = "TRUE" if StaffRole.ADMIN in roles else _AN_ADMIN_IS_LEFT
        tickets = () if StaffRole.WORKER in roles else (tickets_of_account_end(account_id, self._clock.wall()),)
        sql = f"UPDATE accounts SET roles = $2 WHERE id = $1 AND {may}"
        await self._change(sql, (account_id, written(roles)), *tickets)
        return roles

    def _out(self, account_id: str) -> tuple[Statement, ...]:
        return ending(account_id, self._clock.wall())

    async def _change(self, sql: str, values: tuple[str, ...], *also: Statement) -> None:
        try:
            await self._database.write(Statement(_LOCK_ADMINS), Statement(sql, values, rows=1), *also)
        except Conflict:
            raise AccountProblem("last_admin") from None
