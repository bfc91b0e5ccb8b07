"""Staff accounts: a name to sign in with, a password, and the name and job that people see."""

from __future__ import annotations

import asyncio
import re

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rooms.limits import NAME_LETTERS
from rooms.names import clean_name
from server.identity.sealing import HouseSeal
from server.identity.tries import Tries
from server.ports import Clock, Conflict, Database, NewId, Row, Statement

LOGIN_LETTERS = 40
LOGIN_NAME = re.compile(rf"[a-z0-9][a-z0-9._@-]{{1,{LOGIN_LETTERS - 1}}}")
PASSWORD_LETTERS = (12, 200)
HASHES_AT_ONCE = 2
"""A hash takes 64 MB and a tenth of a second of a core: more at once would be a way to bring the server down."""


class Account(msgspec.Struct, frozen=True):
    """`shown` and `job` are what people see: "Alex, nurse"."""

    id: str
    shown: str
    job: str

    def __repr__(self) -> str:
        return f"Account({self.id})"

    @property
    def name_and_job(self) -> str:
        """The name in a session. Both parts fit, because they were checked together when the account was made."""
        return f"{self.shown}, {self.job}" if self.job else self.shown


class AccountProblem(Exception):
    """An account cannot be made. `code`: `login_name`, `login_taken`, `shown`, or `password`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SignInProblem(Exception):
    """Nobody is signed in. `code`: `wrong` (name or password), or `slow_down` (wait a little, then try again)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Sealed(msgspec.Struct, frozen=True):
    login: str
    shown: str
    job: str


class Accounts:
    """All accounts of this installation."""

    def __init__(self, database: Database, vault: HouseSeal, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._new_id = new_id
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody: str | None = None
        self._tries = Tries(clock)

    async def exist(self) -> bool:
        """Whether anybody can sign in at all. When not, print a start link."""
        return bool(await self._database.read("SELECT 1 AS one FROM accounts WHERE disabled = 0 LIMIT 1"))

    async def create(self, login: str, password: str, shown: str, job: str, *also: Statement) -> Account:
        """Make a worker's account. `also` is written in the same transaction, or the account is not made.

        Raises:
            AccountProblem: with the code of what to ask for again. Nothing was written.
            Conflict: a statement in `also` did not fit.
        """
        login = login.strip().casefold()
        account = Account(self._new_id(), *_checked(login, password, shown, job))
        if await self._row_of_login(login) is not None:
            raise AccountProblem("login_taken")
        content = msgspec.json.encode(_Sealed(login, account.shown, account.job))
        sealed = self._vault.seal_house(content, "accounts", account.id)
        making = Statement(
            "INSERT INTO accounts (id, login_hash, sealed, password, role, disabled, created_at) "
            "VALUES ($1, $2, $3, $4, 'worker', 0, $5)",
            (account.id, self._login_hash(login), sealed, await self._hash(password), self._clock.wall()),
            rows=1,
        )
        try:
            await self._database.write(*also, making)
        except Conflict:
            # Two at once with one name: the tables let in only the first.
            if await self._row_of_login(login) is not None:
                raise AccountProblem("login_taken") from None
            raise
        return account

    async def sign_in(self, login: str, password: str, peer: str) -> Account:
        """The account that this name and password belong to. A wrong name takes as long as a wrong password.

        Args:
            peer: the address from which it is tried. Only who guesses from there has to wait.

        Raises:
            SignInProblem: with a code.
        """
        login = login.strip().casefold()[: LOGIN_LETTERS + 1]  # No account has a longer one, and it is remembered.
        if not self._tries.take(login, peer):
            raise SignInProblem("slow_down")
        row = await self._row_of_login(login)
        known = row is not None and not row["disabled"]
        nobodys = await self._hash_of_nobody()  # Made at the first try of all, whoever it is.
        stored = str(row["password"]) if row is not None and known else nobodys
        right = await self._verify(stored, password)
        if row is None or not known or not right:
            raise SignInProblem("wrong")
        self._tries.forget(login, peer)
        if self._hasher.check_needs_rehash(stored):
            await self._set_password(str(row["id"]), password)
        return self._account(row)

    async def get(self, account_id: str) -> Account | None:
        """An account that may still be used."""
        rows = await self._database.read("SELECT * FROM accounts WHERE id = $1 AND disabled = 0", account_id)
        return self._account(rows[0]) if rows else None

    # --- hashing: slow on purpose, so in a thread, and only a few at once ---

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _verify(self, stored: str, password: str) -> bool:
        async with self._hashing:
            try:
                return await asyncio.to_thread(self._hasher.verify, stored, password)
            except (VerificationError, InvalidHashError):
                return False

    async def _hash_of_nobody(self) -> str:
        if self._nobody is None:
            self._nobody = await self._hash("nobody has this password")
        return self._nobody

    async def _set_password(self, account_id: str, password: str) -> None:
        await self._database.write(
            Statement("UPDATE accounts SET password = $1 WHERE id = $2", (await self._hash(password), account_id))
        )

    # --- rows ---

    async def _row_of_login(self, login: str) -> Row | None:
        rows = await self._database.read("SELECT * FROM accounts WHERE login_hash = $1", self._login_hash(login))
        return rows[0] if rows else None

    def _login_hash(self, login: str) -> str:
        return self._vault.fingerprint(login.encode("utf-8", "surrogatepass"), "accounts", "login")

    def _account(self, row: Row) -> Account:
        sealed = row["sealed"]
        assert isinstance(sealed, bytes)
        opened = msgspec.json.decode(self._vault.open_house(sealed, "accounts", str(row["id"])), type=_Sealed)
        return Account(str(row["id"]), opened.shown, opened.job)


def _checked(login: str, password: str, shown: str, job: str) -> tuple[str, str]:
    """Name and job as they will be shown. Raises `AccountProblem`."""
    if not LOGIN_NAME.fullmatch(login):
        raise AccountProblem("login_name")
    least, most = PASSWORD_LETTERS
    if not least <= len(password) <= most:
        raise AccountProblem("password")
    name = clean_name(shown)
    work = clean_name(job) if job.strip() else ""
    if name is None or work is None or len(name) + len(work) + 2 > NAME_LETTERS:
        raise AccountProblem("shown")
    return name, work
