"""The second step of signing in: a code from an app (TOTP), or one of ten recovery codes."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Sequence

import pyotp

from server.identity.account import Account
from server.identity.accounts import SignInProblem
from server.identity.codes import LETTERS, MEANT
from server.identity.sealing import HouseSeal
from server.identity.tries import CodeTries
from server.ports import Clock, Conflict, Database, Statement, StoreUnavailable

STEP_SECONDS = 30
CODE = re.compile(r"[0-9]{6}")
RECOVERY_CODES = 10
RECOVERY_LENGTH = 10


class SecondSteps:
    """The second steps of all accounts. Secrets are sealed; of recovery codes only a keyed hash is stored."""

    def __init__(self, database: Database, vault: HouseSeal, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._tries = CodeTries(clock)

    # --- setting it up: the secret travels in the form, sealed, so that looking at the page writes nothing ---

    def new_secret(self) -> str:
        """160 random bits, as apps take them."""
        return pyotp.random_base32()

    def address(self, secret: str, login: str, site: str) -> str:
        """What an app reads from a picture. `login`, `site`: what it calls the entry."""
        return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=site)

    def wrapped(self, account: Account, secret: str) -> str:
        """`secret` for a hidden field of a form: only this server can read it, and only for this account."""
        sealed = self._vault.seal_house(secret.encode(), "second_step", account.id)
        return base64.urlsafe_b64encode(sealed).decode()

    def unwrapped(self, account: Account, wrapped: str) -> str | None:
        """What `wrapped` was given; None for anything else."""
        try:
            sealed = base64.urlsafe_b64decode(wrapped)
            return self._vault.open_house(sealed, "second_step", account.id).decode()
        except (ValueError, StoreUnavailable):  # The second is what the vault says of other bytes.
            return None

    def setting_up(
        self, account: Account, secret: str, given: str, replacing: bool
    ) -> tuple[Sequence[str], tuple[Statement, ...]] | None:
        """New recovery codes, and what makes the second step real; None when the code that was given is not one of
        `secret`.

        Args:
            replacing: whether it may take the place of one that is there. Who has only begun to sign in may not: the
                person whose account it is may have been quicker.
        """
        step = self._step_of(secret, clean_code(given))
        if step is None:
            return None
        codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
        sealed = self._vault.seal_house(secret.encode(), "accounts", "totp", account.id)
        may = "TRUE" if replacing else "totp IS NULL"
        return codes, (
            Statement(
                f"UPDATE accounts SET totp = $1, totp_step = $2 WHERE id = $3 AND disabled = 0 AND {may}",
                (sealed, step, account.id),
                rows=1,
            ),
            _without_recovery_codes(account),
            *(
                Statement(
                    "INSERT INTO recovery_codes (account, hash) VALUES ($1, $2)",
                    (account.id, self._recovery_hash(account, code)),
                    rows=1,
                )
                for code in codes
            ),
        )

    async def set_up(self, account: Account, secret: str, given: str, still: Statement) -> Sequence[str] | None:
        """Make the second step real, in place of one that is there; gives the recovery codes. `still`: see `Proven`.

        None when the code is not one of `secret`, or `still` did not hold any more.
        """
        made = self.setting_up(account, secret, given, replacing=True)
        if made is None:
            return None
        codes, statements = made
        try:
            await self._database.write(still, *statements)
        except Conflict:
            return None
        return codes

    async def switch_off(self, account: Account, still: Statement) -> bool:
        """From now on the password is enough. `still`: see `Proven`; False when it did not hold any more."""
        off = Statement("UPDATE accounts SET totp = NULL, totp_step = NULL WHERE id = $1", (account.id,), rows=1)
        try:
            await self._database.write(still, off, _without_recovery_codes(account))
        except Conflict:
            return False
        return True

    # --- using it ---

    async def using(self, account: Account, given: str, peer: str) -> Statement:
        """The statement that uses up the code that was given: for the transaction that completes the sign-in. It does
        not fit when that code has been used before.

        Raises:
            SignInProblem: with a code.
        """
        if not self._tries.take(account.id, peer):
            raise SignInProblem("slow_down")
        given = clean_code(given)
        step = self._step_of(await self._secret_of(account), given) if CODE.fullmatch(given) else None
        if step is not None:
            return Statement(
                "UPDATE accounts SET totp_step = $1 WHERE id = $2 AND disabled = 0 AND totp_step < $1",
                (step, account.id),
                rows=1,
            )
        hashed = self._recovery_hash(account, given)
        sql = "SELECT 1 AS one FROM recovery_codes WHERE account = $1 AND hash = $2"
        if not await self._database.read(sql, account.id, hashed):
            raise SignInProblem("wrong")
        return Statement("DELETE FROM recovery_codes WHERE account = $1 AND hash = $2", (account.id, hashed), rows=1)

    def forget(self, account: Account) -> None:
        """It was the right code: the next mistake is the first one again."""
        self._tries.forget(account.id)

    async def recovery_codes_left(self, account: Account) -> int:
        sql = "SELECT hash FROM recovery_codes WHERE account = $1"
        return len(await self._database.read(sql, account.id))

    async def _secret_of(self, account: Account) -> str | None:
        rows = await self._database.read("SELECT totp FROM accounts WHERE id = $1", account.id)
        sealed = rows[0]["totp"] if rows else None
        if not isinstance(sealed, bytes):
            return None
        return self._vault.open_house(sealed, "accounts", "totp", account.id).decode()

    def _step_of(self, secret: str | None, given: str) -> int | None:
        """The time step whose code this is: now, or one earlier or later, because clocks differ."""
        if secret is None:
            return None
        now = self._clock.wall() // 1000 // STEP_SECONDS
        app = pyotp.TOTP(secret)
        fits = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(app.generate_otp(step), given)]
        return fits[-1] if fits else None

    def _recovery_hash(self, account: Account, code: str) -> str:
        return self._vault.fingerprint(clean_code(code).encode(), "recovery_codes", account.id)


def clean_code(given: str) -> str:
    """A code as it is compared: spaces, hyphens and small letters are the person's own."""
    letters = re.sub(r"[^0-9A-Z]", "", given[:40].upper())
    return letters.translate(MEANT)


def _without_recovery_codes(account: Account) -> Statement:
    return Statement("DELETE FROM recovery_codes WHERE account = $1", (account.id,))


def _new_recovery_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(RECOVERY_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"
