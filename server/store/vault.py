"""What is written down is sealed here first: AES-256-GCM, a key per session, wrapped by the installation's key.

The installation's key lives in a file of its own, never in the database. A sealed value is bound to the place it stands
in (table, room, number…): moved anywhere else it does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import TypeAlias

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.store.problems import KeyProblem, Tampered

KEY_BYTES = 32
NONCE_BYTES = 12

Place: TypeAlias = str | int
"""One part of where a sealed value stands. The parts together must differ for any two values under one key."""


class Seal:
    """One key, and what can be done with it. Nothing of it can be printed."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, content: bytes, *place: Place) -> bytes:
        """`content` so that only `open` with this key and the same `place` gives it back."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, _bound_to(place))

    def open(self, sealed: bytes, *place: Place) -> bytes:
        """What `seal` was given.

        Raises:
            Tampered: another key, another place, or not the bytes that `seal` made.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(place))
        except (InvalidTag, ValueError):
            raise Tampered(f"a sealed value of {place[0]} does not open") from None


class Vault:
    """What the installation's key opens: the sessions' own keys, and what belongs to the house (accounts)."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes, from `read_key` or `make_key`."""
        self._wrapping = Seal(_derived(key, b"copage session keys"))
        self._house = Seal(_derived(key, b"copage house"))
        self._finding = _derived(key, b"copage fingerprints")

    def new_key(self, room: str, session: str) -> tuple[Seal, bytes]:
        """A fresh key for a session, and the wrapped form that is kept beside the session."""
        key = AESGCM.generate_key(KEY_BYTES * 8)
        return Seal(key), self._wrapping.seal(key, "sessions", room, session)

    def unwrap(self, wrapped: bytes, room: str, session: str) -> Seal:
        """The session's key. Raises `Tampered` if `wrapped` belongs to another session or installation."""
        return Seal(self._wrapping.open(wrapped, "sessions", room, session))

    def new_room_key(self, room: str) -> tuple[Seal, bytes]:
        """A fresh key for what outlasts a room's sessions, and the wrapped form that is kept beside the room."""
        key = AESGCM.generate_key(KEY_BYTES * 8)
        return Seal(key), self._wrapping.seal(key, "rooms", room)

    def unwrap_room(self, wrapped: bytes, room: str) -> Seal:
        """The room's key. Raises `Tampered` if `wrapped` belongs to another room or installation."""
        return Seal(self._wrapping.open(wrapped, "rooms", room))

    def seal_house(self, content: bytes, *place: Place) -> bytes:
        """Seal what belongs to no session. Name table and row, for instance `"accounts", account_id`."""
        return self._house.seal(content, *place)

    def open_house(self, sealed: bytes, *place: Place) -> bytes:
        """What `seal_house` was given for the same `place`. Raises `Tampered` otherwise."""
        return self._house.open(sealed, *place)

    def fingerprint(self, content: bytes, *place: Place) -> str:
        """By what a sealed value can be found again: the same for the same `content` and `place`, in hexadecimal.

        Without the installation's key nobody can try whether it is that of a name they think of.
        """
        return hmac.new(self._finding, _bound_to((*place, content.hex())), hashlib.sha256).hexdigest()

    def key_check(self) -> str:
        """A text that only this key recognises. It stands in the database, so that a wrong key shows at the start."""
        return base64.b64encode(self._house.seal(b"copage", "meta", "key_check")).decode()

    def recognises(self, key_check: str) -> bool:
        """Whether `key_check` was made by a vault with the same key."""
        try:
            return self._house.open(base64.b64decode(key_check), "meta", "key_check") == b"copage"
        except (Tampered, ValueError):
            return False


def open_vault(key_file: Path, key_check: str | None) -> Vault:
    """The vault for a database, at a start.

    Args:
        key_check: what the database says about its key; None for a database that has never been sealed. Only then is a
            key made if the file is missing: write the vault's `key_check()` into the database before anything else.

    Raises:
        KeyProblem: show its one line, and stop.
    """
    if key_check is None:
        return Vault(read_key(key_file) if key_file.exists() else make_key(key_file))
    vault = Vault(read_key(key_file))
    if not vault.recognises(key_check):
        raise KeyProblem(
            f"The key in {key_file} is not the one this database was sealed with. Bring back the right key."
        )
    return vault


def make_key(key_file: Path) -> bytes:
    """Make the installation's key, for its owner's eyes only, and have it on disk before anything is sealed with it."""
    key = os.urandom(KEY_BYTES)
    try:
        key_file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(key_file.parent)
    except OSError as error:
        raise KeyProblem(f"The key file {key_file} cannot be made: {error.strerror}.") from None
    return key


def read_key(key_file: Path) -> bytes:
    """The installation's key.

    Raises:
        KeyProblem: no file, no key in it, or other people of the machine may read it.
    """
    try:
        with key_file.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(1024)
    except FileNotFoundError:
        raise KeyProblem(f"The key file {key_file} is missing. Without it this database cannot be read.") from None
    except OSError as error:
        raise KeyProblem(f"The key file {key_file} cannot be read: {error.strerror}.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise KeyProblem(f"The key file {key_file} is open to other users of this machine. Run: chmod 600 {key_file}")
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyProblem(f"The key file {key_file} does not hold a key (32 bytes in base64).")
    return key


def sync_folder(folder: Path) -> None:
    """A new or renamed file survives a power cut only once its folder has been flushed too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _bound_to(place: tuple[Place, ...]) -> bytes:
    # JSON keeps ("ab", "c") and ("a", "bc") apart.
    return msgspec.json.encode(place)


def _derived(key: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=use).derive(key)
