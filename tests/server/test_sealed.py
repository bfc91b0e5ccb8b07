"""What people called themselves is nowhere on the disk in clear, and sealed rows open only where they were written."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rooms import Recorded, Room, Stamp
from server.ports import Statement
from server.store.backup import backup
from server.store.opening import Opened, open_sqlite
from server.store.problems import Tampered
from server.store.queries import _opened_event, _opened_snapshot, _sealed_event, _sealed_snapshot
from server.store.vault import Vault
from tests.conftest import MakeHouse
from tests.contracts.diary import NOON, Diary, new_id, room_of, turned
from tests.contracts.trouble import no_trouble
from tests.live_client import LiveClient
from tests.visitor import PASSWORD, Visitor

ADA = "Quendoline Zaunkönig"
BEN = "Ottokar Mauersegler"
ACCOUNT = "Friederike Wiedehopf"
JOB = "Kranichhüterin"
LOGIN = "f.wiedehopf"
WAITS = "Sieglinde Rohrdommel"
SENTENCE = "Der Kiebitz kommt um zehn."
LABEL = "Mittwochs die Bachstelze"
CANARIES = [name.encode() for name in (ADA, BEN, ACCOUNT, LOGIN, "Quendoline", "Ottokar", "Wiedehopf", "hard-days")]


async def a_session(house: Opened) -> Diary:
    """Everything that a session writes: events with and without a stamp, a snapshot, and the worker's account."""
    diary = await Diary.new(house.store, ADA, BEN)
    await diary.write(turned("hard-days"), stamp=Stamp("window-of-ada", 1))
    await house.store.snapshot(diary.expected, trim_to=2, words=b"")
    await diary.write(turned("people", by="ben"), stamp=Stamp("window-of-ben", 1))
    sealed = house.vault.seal_house(ACCOUNT.encode(), "accounts", "account-1")
    await house.database.write(
        Statement(
            "INSERT INTO accounts (id, login_hash, sealed, password, roles, created_at) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            ("account-1", house.vault.fingerprint(LOGIN.encode(), "accounts", "login"), sealed, "hashed", "worker", 1),
            rows=1,
        )
    )
    return diary


def on_disk(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


async def test_no_word_of_a_session_is_on_the_disk_in_clear(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        diary = await a_session(house)
        await asyncio.to_thread(backup, tmp_path / "copage.db", tmp_path / "backup.db")
        while_serving = on_disk(tmp_path)
    after_stopping = on_disk(tmp_path)

    assert {"copage.db", "copage.db-wal", "backup.db"} <= set(while_serving)
    # Ids are there in clear: so the search would find what is.
    assert diary.room.encode() in while_serving["copage.db-wal"]
    assert diary.room.encode() in while_serving["backup.db"]
    assert diary.room.encode() in after_stopping["copage.db"]
    for files in (while_serving, after_stopping):
        found = [(name, canary) for name, content in files.items() for canary in CANARIES if canary in content]
        assert found == []


async def test_no_word_and_no_secret_of_a_real_session_is_in_files_backup_or_log(houses: MakeHouse) -> None:
    house = await houses()
    async with Visitor(house) as desk:
        await desk.makes_account(login=LOGIN, shown=ACCOUNT, job=JOB)
        room = await desk.starts_room()
        await desk.sends(f"{room}/label", label=LABEL)
        ada, link = await desk.goes_in(room), await desk.link_of(room)
        async with Visitor(house) as device:
            ben = await device.comes_in(link, desk, name=BEN)
            await desk.does(room, "link")
            waits = await device.knocks(await desk.link_of(room), name=WAITS)
            await desk.answers_at_the_door(waits, "sentence", sentence=SENTENCE)
            shown = (await desk.looks_at(room)).text
            assert WAITS in shown and LABEL in shown
            assert SENTENCE in (await device.looks_at_with(waits)).text
            codes = re.findall(r'class="code">(\w{4})-(\w{4})<', shown)
        for person in (ada, ben):
            async with LiveClient(house.url, person.ticket, person.cookies) as window:
                number = await window.command("turn_page", page=another_page(await window.hello()))
                await window.answered(number)
        copying = await house.command("backup", str(house.data / "backup.db"))
        said, _ = await asyncio.wait_for(copying.communicate(), 20)
        assert copying.returncode == 0, said
        files = on_disk(house.data)
    await house.stop()
    files |= {f"{name} after stopping": content for name, content in on_disk(house.data).items()}
    files["log"] = (house.output + said.decode()).encode()

    assert {"copage.db", "copage.db-wal", "backup.db", "copage.db after stopping"} <= set(files)
    words = [name.encode() for name in (ACCOUNT, JOB, BEN, LOGIN, PASSWORD, WAITS, SENTENCE, LABEL)]
    secrets = [value.encode() for person in (ada, ben, waits) for value in person.cookies.values()]
    secrets.append(link.rpartition("/")[2].encode())
    [(one_half, other_half)] = codes
    secrets += [f"{one_half}{between}{other_half}".encode() for between in ("", "-")]
    found = [(name, word) for name, content in files.items() for word in (*words, *secrets) if word in content]
    assert found == []
    assert all(ben.ticket.encode() in files[name] for name in ("backup.db", "copage.db after stopping"))


def another_page(welcome: dict[str, Any]) -> str:
    """A page that is not open."""
    view = welcome["whole"]
    return next(str(page) for page in view["pages"] if page != view["page"])


@contextmanager
def by_hand(folder: Path) -> Iterator[sqlite3.Connection]:
    """Somebody opens the file and changes rows. They must stand still: no server is running."""
    with closing(sqlite3.connect(folder / "copage.db")) as connection, connection:
        yield connection


MOVES = {
    "an event between rooms": """
        UPDATE events SET payload = (SELECT payload FROM events WHERE room = :other AND seq = 3)
        WHERE room = :room AND seq = 3""",
    "an event between numbers": """
        UPDATE events SET payload = (SELECT payload FROM events WHERE room = :room AND seq = 5)
        WHERE room = :room AND seq = 4""",
    "two events exchanged, row by row": """
        UPDATE events SET seq = CASE seq WHEN 4 THEN -5 ELSE -4 END WHERE room = :room AND seq IN (4, 5);
        UPDATE events SET seq = -seq WHERE seq < 0""",
    "another tail": "UPDATE events SET tail = 'tail-of-nothing' WHERE room = :room AND seq = 4",
    "another window": "UPDATE events SET win = 'window-of-ben' WHERE room = :room AND seq = 4",
    "another command": "UPDATE events SET number = 2 WHERE room = :room AND seq = 4",
    "no stamp": "UPDATE events SET win = NULL, number = NULL WHERE room = :room AND seq = 4",
    "a snapshot between rooms": """
        UPDATE snapshots SET payload = (SELECT payload FROM snapshots WHERE room = :other) WHERE room = :room""",
    "a snapshot to another number": "UPDATE snapshots SET seq = 3 WHERE room = :room",
    "a key between sessions": """
        UPDATE sessions SET key = (SELECT key FROM sessions WHERE room = :other) WHERE room = :room""",
    "a whole session under another room's name": """
        UPDATE sessions SET room = 'aside' WHERE room = :room;
        UPDATE sessions SET room = :room WHERE room = :other""",
    "one bit": """
        UPDATE events SET payload = CAST(substr(payload, 1, 20) || x'00' || substr(payload, 22) AS BLOB)
        WHERE room = :room AND seq = 4""",
    "an event in place of a snapshot": """
        UPDATE snapshots SET payload = (SELECT payload FROM events WHERE room = :room AND seq = 4)
        WHERE room = :room""",
}


@pytest.mark.parametrize("move", MOVES)
async def test_rows_that_were_moved_or_changed_do_not_open(tmp_path: Path, move: str) -> None:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        rooms = []
        for _ in range(2):
            diary = await Diary.new(house.store, ADA, BEN)
            await house.store.snapshot(diary.expected, trim_to=1, words=b"")
            await diary.write(turned("hard-days"), stamp=Stamp("window-of-ada", 1))
            if "snapshot" in move:
                await house.store.snapshot(diary.expected, trim_to=1, words=b"")
            await diary.write(turned("people"), stamp=Stamp("window-of-ada", 1))
            rooms.append(diary)
    with by_hand(tmp_path) as connection:
        for statement in MOVES[move].split(";"):
            named = {"room": rooms[0].room, "other": rooms[1].room}
            assert connection.execute(statement, named).rowcount > 0

    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        with pytest.raises(Tampered) as told:
            room_of(await house.store.load(rooms[0].room))
            await house.store.after(rooms[0].room, rooms[0].at(1))
        assert not any(canary.decode() in str(told.value) for canary in CANARIES)
        if "session" not in move:
            assert room_of(await house.store.load(rooms[1].room)) == rooms[1].expected


@pytest.mark.parametrize("other", ["room", "seq", "tail", "win", "number"])
def test_all_that_stands_beside_an_event_is_part_of_its_place(other: str) -> None:
    """Under one key: between sessions another key would hide that a part is missing."""
    key, _ = Vault(bytes(32)).new_key("room-1", "session-1")
    here: dict[str, Any] = {"room": "room-1", "seq": 4, "tail": "tail-4", "win": "window-of-ada", "number": 2}
    there = here | {other: here[other] + (1 if isinstance(here[other], int) else "x")}
    recorded = Recorded(4, "tail-4", turned("people"), Stamp("window-of-ada", 2))
    row = {**here, "payload": _sealed_event(key, "room-1", recorded).payload}

    assert _opened_event(key, "room-1", row) == recorded
    with pytest.raises(Tampered):
        _opened_event(key, there["room"], row | there)


@pytest.mark.parametrize("other", ["room", "seq", "tail"])
def test_and_of_a_snapshots(other: str) -> None:
    key, _ = Vault(bytes(32)).new_key("room-1", "session-1")
    room = Room("room-1", "epoch-1", 4, "tail-4")
    here: dict[str, Any] = {"room": "room-1", "seq": 4, "tail": "tail-4"}
    there = here | {other: here[other] + (1 if isinstance(here[other], int) else "x")}
    payload, words = _sealed_snapshot(key, room, b"words")
    row = {**here, "payload": payload, "words": words}

    assert _opened_snapshot(key, "room-1", row) == (room, b"words")
    for moved in (payload, key.seal(msgspec.json.encode(room), "snapshots", *there.values())):
        with pytest.raises(Tampered):
            _opened_snapshot(key, there["room"], row | there | {"payload": moved})


async def test_after_destroying_neither_words_nor_keys_are_on_the_disk(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        diary, other = await a_session(house), await Diary.new(house.store)
        (row,) = await house.database.read("SELECT key FROM sessions WHERE room = $1", diary.room)
        (event,) = await house.database.read("SELECT payload FROM events WHERE room = $1 AND seq = 5", diary.room)
        key, payload = row["key"], event["payload"]
        assert isinstance(key, bytes)
        assert isinstance(payload, bytes)
        await asyncio.to_thread(backup, tmp_path / "copage.db", tmp_path / "earlier.db")
        assert {name for name, content in on_disk(tmp_path).items() if key in content} >= {"earlier.db"}

        await house.store.destroy(diary.session, NOON)

        await asyncio.to_thread(backup, tmp_path / "copage.db", tmp_path / "later.db")
        for trace in (key, payload, diary.room.encode()):
            # What a backup held before stays in it; that is why backups must not be kept for ever.
            assert [name for name, content in on_disk(tmp_path).items() if trace in content] == ["earlier.db"]
        assert await other.is_as_expected()


async def test_a_reader_in_the_middle_delays_the_erasing_but_does_not_prevent_it(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        diary, other = await a_session(house), await Diary.new(house.store)
        (row,) = await house.database.read("SELECT key FROM sessions WHERE room = $1", diary.room)
        key = row["key"]
        assert isinstance(key, bytes)
        with closing(sqlite3.connect(tmp_path / "copage.db", isolation_level=None)) as reader:
            reader.execute("PRAGMA wal_autocheckpoint = 0")
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sessions").fetchone()
            await house.store.destroy(diary.session, NOON)
            assert key in on_disk(tmp_path)["copage.db-wal"]
            reader.execute("COMMIT")

        await other.write(turned("people"))

        assert not any(key in content for content in on_disk(tmp_path).values())
