"""A backup is whole and of one moment, also while people write; a restore is a new past, also while they are there."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from rooms import Position
from server.clock import SystemClock
from server.identity import Accounts, StaffSessions, StartLinks
from server.ports import Appended, Diverged, Missed, Statement
from server.store.backup import backup, check_backup
from server.store.opening import Opened, open_sqlite, restore_alone
from server.store.problems import BackupProblem, DatabaseBusy, KeyProblem
from server.store.vault import make_key
from tests.contracts.diary import Diary, following, new_id, room_of, turned
from tests.contracts.trouble import no_trouble
from tests.mutations import TOP
from tests.server.test_sqlite import other_process


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as opened:
        yield opened


async def backed_up(folder: Path, name: str = "backup.db") -> Path:
    await asyncio.to_thread(backup, folder / "copage.db", folder / name)
    return folder / name


# --- backup ---


async def test_a_backup_has_all_that_was_acknowledged_and_every_room_in_it_is_whole(
    house: Opened, tmp_path: Path
) -> None:
    diaries = [await Diary.new(house.store) for _ in range(6)]
    enough = asyncio.Event()

    async def keep_writing(diary: Diary) -> None:
        while not enough.is_set():
            await diary.write(turned("people"), turned("home"))

    writing = [asyncio.create_task(keep_writing(diary)) for diary in diaries]
    acknowledged = {diary.room: len(diary.log) for diary in diaries}
    file = await backed_up(tmp_path)
    enough.set()
    await asyncio.gather(*writing)

    assert all([await diary.is_as_expected() for diary in diaries])
    async with open_sqlite(file, tmp_path / "key", new_id, no_trouble) as copy:
        for diary in diaries:
            missed = await copy.store.after(diary.room, diary.at(0))
            assert isinstance(missed, Missed)
            count = len(missed.events)
            assert count >= acknowledged[diary.room]
            assert count % 2 == 1  # Three at the beginning, then always two at a time.
            assert list(missed.events) == diary.log[:count]
            assert room_of(await copy.store.load(diary.room)) is not None


async def test_a_backup_is_one_file_for_its_owner_only(house: Opened, tmp_path: Path) -> None:
    await Diary.new(house.store)
    before = {file.name for file in tmp_path.iterdir()}
    file = await backed_up(tmp_path)
    check_backup(file, house.vault)

    assert {there.name for there in tmp_path.iterdir()} - before == {"backup.db"}
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_backup_is_never_written_over_another_file(house: Opened, tmp_path: Path) -> None:
    (tmp_path / "backup.db").write_text("my holiday")
    with pytest.raises(BackupProblem, match=r"^[^\n]* is there already\. Name a new file\.$"):
        await backed_up(tmp_path)
    assert (tmp_path / "backup.db").read_text() == "my holiday"


async def test_a_backup_that_cannot_be_made_leaves_nothing_behind(house: Opened, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for database, target in (
        (tmp_path / "no.db", tmp_path / "folder" / "backup.db"),
        (tmp_path / "key", tmp_path / "folder" / "backup.db"),
        (tmp_path / "copage.db", tmp_path / "nowhere" / "backup.db"),
    ):
        with pytest.raises(BackupProblem, match=r"^[^\n]+$"):
            backup(database, target)
    assert list((tmp_path / "folder").iterdir()) == []


async def test_a_backup_after_a_crash_has_what_was_acknowledged(tmp_path: Path) -> None:
    process = await other_process("append", tmp_path)
    assert process.stdout is not None
    room, epoch = (await process.stdout.readline()).decode().split()
    last = [(await process.stdout.readline()).decode().strip() for _ in range(10)][-1]
    process.kill()
    await process.communicate()
    assert (tmp_path / "copage.db-wal").stat().st_size > 0

    file = await backed_up(tmp_path)

    async with open_sqlite(file, tmp_path / "key", new_id, no_trouble) as copy:
        loaded = room_of(await copy.store.load(room))
        assert loaded is not None
        assert loaded.epoch == epoch
        rows = await copy.database.read("SELECT seq FROM events WHERE tail = $1", last)
        assert len(rows) == 1


async def test_another_process_can_make_a_backup_while_this_one_serves(house: Opened, tmp_path: Path) -> None:
    diary = await Diary.new(house.store)
    text = "import sys, pathlib; from server.store.backup import backup; backup(*map(pathlib.Path, sys.argv[1:]))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", text, str(tmp_path / "copage.db"), str(tmp_path / "backup.db"), cwd=TOP, stdout=PIPE
    )
    await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 0
    await diary.write(turned("people"))
    async with open_sqlite(tmp_path / "backup.db", tmp_path / "key", new_id, no_trouble) as copy:
        loaded = room_of(await copy.store.load(diary.room))
        assert loaded is not None
        assert loaded.seq == 3


# --- restore while serving ---


async def test_after_a_restore_everybody_finds_another_past(house: Opened, tmp_path: Path) -> None:
    kept, changed = await Diary.new(house.store), await Diary.new(house.store)
    file = await backed_up(tmp_path)
    made_later = await Diary.new(house.store)
    before = changed.expected
    await changed.write(turned("people"))

    await house.database.restore_from(file, house.vault)

    assert room_of(await house.store.load(made_later.room)) is None
    heads = await house.store.heads([kept.room, changed.room, made_later.room])
    assert set(heads) == {kept.room, changed.room}
    assert len({head.epoch for head in heads.values()} | {kept.epoch, changed.epoch}) == 4
    for diary in (kept, changed):
        assert await house.store.after(diary.room, diary.head) == Diverged()
        late = following(diary.head, [turned("home")])
        assert await house.store.append(diary.room, diary.session, diary.head, late) == Diverged()
    room = room_of(await house.store.load(changed.room))
    assert room is not None
    assert (room.seq, room.tail, room.participants) == (before.seq, before.tail, before.participants)
    more = following(room.position, [turned("home")])
    assert await house.store.append(changed.room, changed.session, room.position, more) == Appended()


async def test_a_sign_in_that_was_ended_does_not_come_back_with_a_backup(house: Opened, tmp_path: Path) -> None:
    staff, links = StaffSessions(house.database, SystemClock(), 15), StartLinks(house.database, SystemClock())
    sign_in, link = await staff.open("alex"), await links.make()
    file = await backed_up(tmp_path)
    assert await staff.check(sign_in) is not None
    await staff.close(sign_in)

    await house.database.restore_from(file, house.vault)

    assert await staff.check(sign_in) is None
    assert not await links.works(link, None)


async def test_a_restored_snapshot_belongs_to_the_new_epoch(house: Opened, tmp_path: Path) -> None:
    diary = await Diary.new(house.store)
    await house.store.snapshot(diary.expected, trim_to=99, words=b"")
    await house.database.restore_from(await backed_up(tmp_path), house.vault)

    room = room_of(await house.store.load(diary.room))
    assert room is not None
    assert room.epoch != diary.epoch
    assert (await house.store.heads([diary.room])) == {diary.room: room.position}
    assert await house.store.after(diary.room, room.position) is None


async def test_a_restore_in_the_middle_of_writing_is_one_moment(house: Opened, tmp_path: Path) -> None:
    diary = await Diary.new(house.store)
    file = await backed_up(tmp_path)
    outcomes: list[object] = []

    async def keep_writing() -> None:
        position = diary.head
        while not outcomes or outcomes[-1] == Appended():
            new = following(position, [turned("people")])
            outcomes.append(await house.store.append(diary.room, diary.session, position, new))
            position = Position(position.epoch, new[0].seq, new[0].tail)

    await asyncio.gather(keep_writing(), house.database.restore_from(file, house.vault))

    assert outcomes[-1] == Diverged()
    room = room_of(await house.store.load(diary.room))
    assert room is not None
    assert room.seq == 3


async def test_accounts_come_back_too(house: Opened, tmp_path: Path) -> None:
    accounts = Accounts(house.database, house.vault, SystemClock(), new_id)
    alex = await accounts.create("alex", "a long password", "Alex", "nurse")
    file = await backed_up(tmp_path)
    await house.database.write(Statement("DELETE FROM accounts", rows=1))

    await house.database.restore_from(file, house.vault)

    assert await accounts.get(alex.id) == alex


def _cut_off(file: Path, other: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9000])


def _scribbled_on(file: Path, other: Path) -> None:
    content = bytearray(file.read_bytes())
    content[5000:9000] = bytes(4000)
    file.write_bytes(content)


def _no_database(file: Path, other: Path) -> None:
    file.write_text("my holiday")


def _gone(file: Path, other: Path) -> None:
    file.unlink()


def _older_tables(file: Path, other: Path) -> None:
    _change(file, "UPDATE meta SET value = '0' WHERE key = 'schema'")


def _newer_tables(file: Path, other: Path) -> None:
    _change(file, "UPDATE meta SET value = '99' WHERE key = 'schema'")


def _a_table_less(file: Path, other: Path) -> None:
    _change(file, "DROP TABLE invitations")


def _never_sealed(file: Path, other: Path) -> None:
    _change(file, "DELETE FROM meta WHERE key = 'key_check'")


def _of_another_house(file: Path, other: Path) -> None:
    shutil.copy(other, file)


def _change(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(sql)


WRONG = (
    _cut_off,
    _scribbled_on,
    _no_database,
    _gone,
    _older_tables,
    _newer_tables,
    _a_table_less,
    _never_sealed,
    _of_another_house,
)


@pytest.mark.parametrize("wrong", WRONG, ids=[wrong.__name__ for wrong in WRONG])
async def test_what_is_no_backup_of_this_house_changes_nothing(
    house: Opened, tmp_path: Path, wrong: Callable[[Path, Path], None]
) -> None:
    diary = await Diary.new(house.store)
    other = tmp_path / "other"
    async with open_sqlite(other / "copage.db", other / "key", new_id, no_trouble) as another_house:
        await Diary.new(another_house.store)
        await backed_up(other)
    file = await backed_up(tmp_path)
    wrong(file, other / "backup.db")

    with pytest.raises(BackupProblem, match=r"^[^\n]+$"):
        await house.database.restore_from(file, house.vault)

    assert await diary.is_as_expected()
    await diary.write(turned("people"))
    assert await diary.is_as_expected()


async def the_database_itself(folder: Path, way: str) -> Path:
    database, other = folder / "copage.db", folder / f"{way}.db"
    match way:
        case "its own name":
            return database
        case "a symlink":
            other.symlink_to(database)
        case "a hard link":
            other.hardlink_to(database)
    return other


WAYS_TO_ITSELF = ("its own name", "a symlink", "a hard link")


@pytest.mark.parametrize("way", WAYS_TO_ITSELF)
async def test_the_database_is_no_backup_of_itself(house: Opened, tmp_path: Path, way: str) -> None:
    """It would seem to work, sign everybody out, and bring nothing back."""
    diary = await Diary.new(house.store)
    sign_in = await StaffSessions(house.database, SystemClock(), 15).open("alex")
    file = await the_database_itself(tmp_path, way)

    with pytest.raises(BackupProblem, match=r"^[^\n]* is the database itself\. Name a backup\.$"):
        await house.database.restore_from(file, house.vault)

    assert await diary.is_as_expected()
    assert await StaffSessions(house.database, SystemClock(), 15).check(sign_in) is not None


@pytest.mark.parametrize("way", WAYS_TO_ITSELF)
async def test_nor_while_nobody_serves(tmp_path: Path, way: str) -> None:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        diary = await Diary.new(house.store)
    file = await the_database_itself(tmp_path, way)

    with pytest.raises(BackupProblem, match="is the database itself"):
        await restore_alone(tmp_path / "copage.db", tmp_path / "key", file, no_trouble)

    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        assert (await house.store.heads([diary.room]))[diary.room] == diary.head


# --- restore while nobody serves ---


async def test_a_backup_can_be_restored_on_an_empty_machine_with_the_key(house: Opened, tmp_path: Path) -> None:
    diary = await Diary.new(house.store)
    file = await backed_up(tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    with pytest.raises(KeyProblem):
        await restore_alone(new / "copage.db", new / "key", file, no_trouble)
    make_key(new / "key")
    with pytest.raises(BackupProblem):
        await restore_alone(new / "copage.db", new / "key", file, no_trouble)
    assert [there.name for there in new.iterdir()] == ["key"]

    shutil.copy(tmp_path / "key", new / "key")
    await restore_alone(new / "copage.db", new / "key", file, no_trouble)

    async with open_sqlite(new / "copage.db", new / "key", new_id, no_trouble) as restored:
        room = room_of(await restored.store.load(diary.room))
        assert room is not None
        assert room.participants == diary.expected.participants
        assert room.epoch != diary.epoch


async def test_restoring_beside_a_serving_process_is_refused(house: Opened, tmp_path: Path) -> None:
    diary = await Diary.new(house.store)
    file = await backed_up(tmp_path)
    with pytest.raises(DatabaseBusy):
        await restore_alone(tmp_path / "copage.db", tmp_path / "key", file, no_trouble)
    assert await diary.is_as_expected()
