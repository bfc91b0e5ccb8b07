"""What an operator can set: environment variables, read once. A wrong or dangerous one stops the start in one line."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec
import msgspec.structs


class SettingProblem(Exception):
    """A setting cannot be used. The text is one line that says which, and what would be right."""


class Settings(msgspec.Struct, frozen=True):
    """See the README's table for what each is for."""

    data: Path
    public_url: str
    host: str
    port: int
    database: Path
    key_file: Path
    clinic_file: Path | None
    name_shown: str
    language: str
    second_step_required: bool
    proxies: frozenset[str]
    commands_per_second: float
    phone: str | None
    """This machine's address in the local network, if it serves a phone there with a certificate made here."""

    @property
    def secure(self) -> bool:
        """Whether people reach this server by https."""
        return self.public_url.startswith("https://")

    @property
    def https_for_good(self) -> bool:
        """Whether browsers may be told to come by https only from now on: not with a certificate that is for a try."""
        return self.secure and self.phone is None

    @property
    def phone_certificate(self) -> Path:
        """Where the certificate for a phone is kept, with its key."""
        return self.data / "phone.pem"

    @property
    def control_socket(self) -> Path:
        """Where operator commands that write reach the running server."""
        return self.data / "control.sock"


VARIABLES = (
    "COPAGE_DATA",
    "COPAGE_PUBLIC_URL",
    "COPAGE_HOST",
    "PORT",
    "DATABASE_URL",
    "COPAGE_KEY_FILE",
    "COPAGE_CLINIC_FILE",
    "COPAGE_NAME_SHOWN",
    "COPAGE_LANGUAGE",
    "COPAGE_SECOND_STEP",
    "COPAGE_PROXIES",
    "COPAGE_COMMANDS_PER_SECOND",
)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of this process. One that is empty counts as not set.

    Raises:
        SettingProblem: one is wrong, dangerous, or named like ours but not ours.
    """
    for name in environ:
        if name.startswith("COPAGE_") and name not in VARIABLES and name not in OF_TESTS:
            raise SettingProblem(f"{name} is no setting of Copage; the README lists them")
    environ = {name: value.strip() for name, value in environ.items() if value.strip()}
    data = Path(environ.get("COPAGE_DATA", ".data")).absolute()
    port = _port(environ.get("PORT", "8000"))
    public_url = _public_url(environ.get("COPAGE_PUBLIC_URL", f"http://127.0.0.1:{port}"))
    clinic = environ.get("COPAGE_CLINIC_FILE")
    return Settings(
        data=data,
        public_url=public_url,
        host=environ.get("COPAGE_HOST", "127.0.0.1"),
        port=port,
        database=_database(environ.get("DATABASE_URL"), data / "copage.db"),
        key_file=Path(environ.get("COPAGE_KEY_FILE", str(data / "key"))).absolute(),
        clinic_file=Path(clinic).absolute() if clinic else None,
        name_shown=environ.get("COPAGE_NAME_SHOWN", "Our page"),
        language=environ.get("COPAGE_LANGUAGE", "en"),
        second_step_required=_second_step(environ.get("COPAGE_SECOND_STEP"), public_url),
        proxies=_proxies(environ.get("COPAGE_PROXIES", "")),
        commands_per_second=_rate(environ.get("COPAGE_COMMANDS_PER_SECOND", "20")),
        phone=None,
    )


def for_phone(environ: Mapping[str, str], address: str) -> Settings:
    """The settings of a server for a phone beside this machine, which people reach at `address` and nowhere else.

    Raises:
        SettingProblem: as `read_settings`, or one says where to listen or what address people use.
    """
    port = read_settings(environ).port
    own = {"COPAGE_PUBLIC_URL": f"https://{address}:{port}", "COPAGE_HOST": "0.0.0.0"}
    for name in own:
        if environ.get(name, "").strip():
            raise SettingProblem(
                f"{name} and --phone, which finds the address by itself, do not go together: leave one out"
            )
    return msgspec.structs.replace(read_settings({**environ, **own}), phone=address)


OF_TESTS = frozenset({"COPAGE_LONG", "COPAGE_SHOTS", "COPAGE_CHROMIUM", "COPAGE_INSIDE_NEWCOMER"})
"""Named like ours and read by the test suite only."""


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 65536:
        raise SettingProblem("PORT must be a number from 1 to 65535")
    return int(text)


def _public_url(text: str) -> str:
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  (reading it is what checks it)
    except ValueError:
        raise SettingProblem("COPAGE_PUBLIC_URL is not an address") from None
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise SettingProblem("COPAGE_PUBLIC_URL must be like https://pages.example.org, without a path")
    if url.username or url.password:
        raise SettingProblem("COPAGE_PUBLIC_URL must not hold a name or password")
    if url.scheme == "http" and not _is_this_machine(url):
        raise SettingProblem("COPAGE_PUBLIC_URL must begin with https:// unless it names this machine itself")
    return f"{url.scheme}://{url.netloc.lower()}"


def _is_this_machine(url: SplitResult) -> bool:
    if url.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def _second_step(text: str | None, public_url: str) -> bool:
    if text is None:
        return not _is_this_machine(urlsplit(public_url))
    if text not in ("required", "optional"):
        raise SettingProblem("COPAGE_SECOND_STEP must be required or optional")
    return text == "required"


def _database(url: str | None, default: Path) -> Path:
    if not url:
        return default
    if not url.startswith("sqlite:///"):
        raise SettingProblem("DATABASE_URL must be like sqlite:////var/lib/copage/copage.db")
    return Path(url.removeprefix("sqlite:///")).absolute()


def _proxies(text: str) -> frozenset[str]:
    proxies = [part.strip() for part in text.split(",") if part.strip()]
    for proxy in proxies:
        try:
            ipaddress.ip_address(proxy)
        except ValueError:
            raise SettingProblem("COPAGE_PROXIES must be addresses like 127.0.0.1, separated by commas") from None
    return frozenset(proxies)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1 <= rate <= 100_000:
        raise SettingProblem("COPAGE_COMMANDS_PER_SECOND must be a number from 1 to 100000")
    return rate
