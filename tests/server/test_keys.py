"""The installation's key: made once, kept apart, and without it, or with another one, nothing starts."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from pathlib import Path

import pytest

from server.store.opening import open_sqlite
from server.store.problems import KeyProblem, Tampered
from server.store.vault import Vault, make_key, open_vault, read_key
from tests.conftest import MakeHouse
from tests.contracts.diary import Diary, new_id
from tests.contracts.trouble import no_trouble


async def start(folder: Path) -> None:
    """A start of the server, as far as the database and its key."""
    async with open_sqlite(folder / "copage.db", folder / "key", new_id, no_trouble) as house:
        await Diary.new(house.store)


async def refused(folder: Path) -> str:
    with pytest.raises(KeyProblem) as problem:
        await start(folder)
    line = str(problem.value)
    assert "\n" not in line
    return line


async def test_the_first_start_makes_a_key_for_its_owner_only(tmp_path: Path) -> None:
    await start(tmp_path)

    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode((tmp_path / "key").read_bytes())) == 32
    key = (tmp_path / "key").read_bytes()
    await start(tmp_path)
    assert (tmp_path / "key").read_bytes() == key


async def test_the_server_refuses_to_start_without_its_key_in_one_line(houses: MakeHouse) -> None:
    house = await houses()
    await house.stop()
    (house.data / "key").unlink()

    starting = await house.command("serve")
    said, _ = await asyncio.wait_for(starting.communicate(), 20)

    assert starting.returncode == 2
    assert re.fullmatch(r"copage: The key file [^\n]* is missing\. [^\n]*\n", said.decode())


async def test_a_key_that_was_brought_along_is_used(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    await start(tmp_path)

    assert read_key(tmp_path / "key") == key


async def test_a_start_without_the_key_refuses_in_one_line_and_makes_no_other(tmp_path: Path) -> None:
    await start(tmp_path)
    (tmp_path / "key").rename(tmp_path / "elsewhere")

    assert "is missing" in await refused(tmp_path)
    assert not (tmp_path / "key").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "key")
    await start(tmp_path)


async def test_a_start_with_another_key_refuses_in_one_line(tmp_path: Path) -> None:
    await start(tmp_path)
    (tmp_path / "key").unlink()
    make_key(tmp_path / "key")

    assert "is not the one this database was sealed with" in await refused(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o660, 0o610])
async def test_a_key_that_others_may_read_is_refused_in_one_line(tmp_path: Path, mode: int) -> None:
    await start(tmp_path)
    (tmp_path / "key").chmod(mode)

    assert "chmod 600" in await refused(tmp_path)


@pytest.mark.parametrize("text", [b"", b"not a key", b"AAAA\n", b"\xff\xfe" * 32, base64.b64encode(bytes(range(33)))])
async def test_what_is_no_key_is_refused_in_one_line(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key").write_bytes(text)
    (tmp_path / "key").chmod(0o600)

    line = await refused(tmp_path)
    assert "does not hold a key" in line
    assert (tmp_path / "key").read_bytes() == text


async def test_a_key_that_cannot_be_made_or_read_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyProblem, match=r"^The key file .* cannot be made: [^\n]*$"):
        make_key(tmp_path / "file" / "key")
    with pytest.raises(KeyProblem, match=r"^The key file .* cannot be read: [^\n]*$"):
        read_key(tmp_path / "file" / "key")
    (tmp_path / "key").mkdir()
    with pytest.raises(KeyProblem, match=r"^The key file .* cannot be read: [^\n]*$"):
        open_vault(tmp_path / "key", None)


def test_a_key_is_never_made_over_another(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with pytest.raises(KeyProblem):
        make_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key


def test_what_belongs_to_the_house_opens_in_its_place_only() -> None:
    vault, other = Vault(bytes(32)), Vault(bytes(31) + b"\1")
    sealed = vault.seal_house(b"Doctor Ada", "accounts", "account-1")

    assert vault.open_house(sealed, "accounts", "account-1") == b"Doctor Ada"
    for wrong_place in (("accounts", "account-2"), ("invitations", "account-1"), ("accounts",), ("accountsaccount-1",)):
        with pytest.raises(Tampered):
            vault.open_house(sealed, *wrong_place)
    with pytest.raises(Tampered):
        other.open_house(sealed, "accounts", "account-1")
    for damaged in (b"", sealed[:-1], sealed[:12], bytes([sealed[0] ^ 1]) + sealed[1:], sealed + b"\0"):
        with pytest.raises(Tampered):
            vault.open_house(damaged, "accounts", "account-1")


def test_a_session_key_opens_for_its_own_session_only() -> None:
    vault = Vault(bytes(32))
    key, wrapped = vault.new_key("room-1", "session-1")
    sealed = key.seal(b"Ben", "events", "room-1", 1)

    assert vault.unwrap(wrapped, "room-1", "session-1").open(sealed, "events", "room-1", 1) == b"Ben"
    for room, session in (("room-2", "session-1"), ("room-1", "session-2")):
        with pytest.raises(Tampered):
            vault.unwrap(wrapped, room, session)
    another, _ = vault.new_key("room-1", "session-1")
    with pytest.raises(Tampered):
        another.open(sealed, "events", "room-1", 1)


def test_the_same_words_never_look_the_same() -> None:
    vault = Vault(bytes(32))
    assert len({vault.seal_house(b"Ada", "accounts", "account-1") for _ in range(100)}) == 100


def test_a_fingerprint_finds_the_same_words_in_the_same_place_with_the_same_key_only() -> None:
    vault = Vault(os.urandom(32))
    ada = vault.fingerprint(b"ada", "accounts", "login")
    assert ada == vault.fingerprint(b"ada", "accounts", "login")
    others = (
        vault.fingerprint(b"ben", "accounts", "login"),
        vault.fingerprint(b"ada", "accounts", "name"),
        vault.fingerprint(b"ada", "accounts"),
        Vault(os.urandom(32)).fingerprint(b"ada", "accounts", "login"),
    )
    assert ada not in others and len(set(others)) == 4


def test_a_vault_recognises_its_own_check_only() -> None:
    vault, other = Vault(bytes(32)), Vault(bytes(31) + b"\1")
    assert vault.recognises(vault.key_check())
    assert not other.recognises(vault.key_check())
    assert not vault.recognises("")
    assert not vault.recognises("é")
