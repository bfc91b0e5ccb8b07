"""What an account is, and how it stands in its row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from rooms.limits import NAME_LETTERS
from rooms.names import clean_name
from server.identity.sealing import HouseSeal
from server.ports import Database, Row

LOGIN_LETTERS = 40
LOGIN_NAME = re.compile(rf"[a-z0-9][a-z0-9._@-]{{1,{LOGIN_LETTERS - 1}}}")
PASSWORD_LETTERS = (12, 200)


class StaffRole(StrEnum):
    """What an account is for. One person may be several of them."""

    WORKER = "worker"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Account(msgspec.Struct, frozen=True):
    """`shown` and `job` are what people see: "Alex, nurse"."""

    id: str
    shown: str
    job: str
    roles: frozenset[StaffRole]

    def __repr__(self) -> str:
        return f"Account({self.id})"

    @property
    def name_and_job(self) -> str:
        """The name in a session. Both parts fit, because they were checked together when the account was made."""
        return f"{self.shown}, {self.job}" if self.job else self.shown


class OnFile(msgspec.Struct, frozen=True):
    """An account as its admin sees it. `login` is None until its first link has been used."""

    account: Account
    login: str | None
    disabled: bool
    has_password: bool
    second_step: bool

    def __repr__(self) -> str:
        return f"OnFile({self.account.id})"

    @property
    def state(self) -> str:
        """`open`, `link` (waits for its one-time link to be used), or `disabled`."""
        if self.disabled:
            return "disabled"
        return "open" if self.has_password else "link"


class AccountProblem(Exception):
    """It cannot be done; nothing was written. `code`: `login_name`, `login_taken`, `shown`, `password`, `roles`,
    `last_admin`, `disabled`, `no_link`, or `slow_down`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Sealed(msgspec.Struct, frozen=True):
    login: str | None
    shown: str
    job: str


class AccountRows:
    """Finds and opens the rows of accounts: names are sealed in them, and a login is found by its fingerprint."""

    def __init__(self, database: Database, vault: HouseSeal) -> None:
        self._database = database
        self._vault = vault

    async def of_login(self, login: str) -> Row | None:
        rows = await self._database.read("SELECT * FROM accounts WHERE login_hash = $1", self.login_hash(login))
        return rows[0] if rows else None

    async def of_id(self, account_id: str) -> Row | None:
        rows = await self._database.read("SELECT * FROM accounts WHERE id = $1", account_id)
        return rows[0] if rows else None

    async def all(self) -> list[OnFile]:
        """Every account, the oldest first."""
        rows = await self._database.read("SELECT * FROM accounts ORDER BY created_at, id")
        return [self.on_file(row) for row in rows]

    def login_hash(self, login: str) -> str:
        return self._vault.fingerprint(login.encode("utf-8", "surrogatepass"), "accounts", "login")

    def sealed(self, account_id: str, login: str | None, shown: str, job: str) -> bytes:
        """What stands in the column `sealed`."""
        return self._vault.seal_house(msgspec.json.encode(_Sealed(login, shown, job)), "accounts", account_id)

    def on_file(self, row: Row) -> OnFile:
        sealed, account_id = row["sealed"], str(row["id"])
        assert isinstance(sealed, bytes)
        opened = msgspec.json.decode(self._vault.open_house(sealed, "accounts", account_id), type=_Sealed)
        account = Account(account_id, opened.shown, opened.job, roles_of(str(row["roles"]).split(",")))
        return OnFile(
            account, opened.login, bool(row["disabled"]), row["password"] is not None, row["totp"] is not None
        )


def clean_login(login: str) -> str:
    """The name to sign in with as it is kept. Longer than any account has it is cut: it will be remembered."""
    return login.strip().casefold()[: LOGIN_LETTERS + 1]


def checked_login(login: str) -> str:
    """As `clean_login`. Raises `AccountProblem` when it can be nobody's."""
    login = clean_login(login)
    if not LOGIN_NAME.fullmatch(login):
        raise AccountProblem("login_name")
    return login


def check_password(password: str) -> None:
    """Raises `AccountProblem` when it is too short, or too long to be hashed for a stranger."""
    least, most = PASSWORD_LETTERS
    if not least <= len(password) <= most:
        raise AccountProblem("password")


def checked_name(shown: str, job: str) -> tuple[str, str]:
    """Name and job as they will be shown. Raises `AccountProblem`."""
    name = clean_name(shown)
    work = clean_name(job) if job.strip() else ""
    if name is None or work is None or len(name) + len(work) + 2 > NAME_LETTERS:
        raise AccountProblem("shown")
    return name, work


def roles_of(words: Iterable[str]) -> frozenset[StaffRole]:
    """Roles by their words. Raises `AccountProblem` for a word that is none, or for none at all."""
    try:
        roles = frozenset(StaffRole(word) for word in words)
    except ValueError:
        raise AccountProblem("roles") from None
    if not roles:
        raise AccountProblem("roles")
    return roles


def written(roles: Iterable[StaffRole]) -> str:
    """What stands in the column `roles`."""
    return ",".join(sorted(roles))
