"""SQLite: shared commits, one process, errors of the disk, versions of the tables."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from typing import cast

import msgspec
import pytest

from rooms import Event, Position, Recorded, Room, Stamp, replay
from server.ports import Appended, Conflict, Diverged, Missed, NewSession, SessionRow, Statement, StoreUnavailable
from server.store import queries, schema, sqlite
from server.store.opening import Opened, open_sqlite
from server.store.problems import DatabaseBusy, SchemaProblem
from server.store.sqlite import SqliteDatabase
from server.store.vault import Vault, make_key
from tests.contracts.diary import NOON, Diary, begun, ended, following, new_id, room_of, turned
from tests.contracts.store_contract import stands_without_a_session
from tests.contracts.trouble import no_trouble
from tests.mutations import TOP
from tests.waiting import until

NEW_START_LINK = "INSERT INTO start_links (hash, created_at) VALUES ($1, $2)"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as opened:
        yield opened


async def other_process(what: str, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.server.other_process", what, str(folder), cwd=TOP, stdout=PIPE
    )


async def said_by(process: asyncio.subprocess.Process) -> list[str]:
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    return out.decode().splitlines()


# --- one flush for everybody who waits ---


class Calls:
    """The kinds of calls that the writing connection gets. A run of the same statement is one call: `executemany`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.seen: list[str] = []

    async def __aenter__(self) -> Calls:
        await self._trace(self.seen.append)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._trace(None)

    async def _trace(self, callback: Callable[[str], object] | None) -> None:
        writing = self._database._writer._connection
        await self._database._in_its_thread(lambda: writing.set_trace_callback(callback))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in groupby(" ".join(text.split()[:3]) for text in self.seen)]


async def calls_for(house: Opened, count: int, *events: Event) -> Sequence[str]:
    diaries = [await Diary.new(house.store) for _ in range(count)]
    async with Calls(house.database) as calls:
        await asyncio.gather(*(diary.write(*events, stamp=Stamp("window", 1)) for diary in diaries))
    assert all([await diary.is_as_expected() for diary in diaries])
    return calls.kinds()


async def test_a_hundred_appends_take_as_many_calls_as_one(house: Opened) -> None:
    expected = ["BEGIN IMMEDIATE", "UPDATE rooms SET", "INSERT INTO events", "COMMIT"]
    assert await calls_for(house, 1, turned("people")) == expected
    assert await calls_for(house, 100, turned("people"), turned("home")) == expected


async def test_a_hundred_ends_take_as_many_calls_as_one(house: Opened) -> None:
    one = await calls_for(house, 1, ended())
    assert len(one) == 6
    assert await calls_for(house, 100, ended()) == one


async def test_a_hundred_openings_take_as_many_calls_as_one(house: Opened) -> None:
    async def calls_for_next(count: int) -> Sequence[str]:
        diaries = [await Diary.new(house.store) for _ in range(count)]
        for diary in diaries:
            await diary.write(ended())
            diary.session = f"next-in-{diary.room}"
            await house.store.prepare(NewSession(diary.room, diary.session, False, "account-1", NOON))
            await house.store.keys.of(diary.session)  # At hand: otherwise each comes when its key has been read.
        async with Calls(house.database) as calls:
            await asyncio.gather(*(diary.write(*begun(diary.session)) for diary in diaries))
        for diary in diaries:
            assert room_of(await house.store.load(diary.room)) == diary.expected
        return calls.kinds()

    one = await calls_for_next(1)
    assert one == ["BEGIN IMMEDIATE", "UPDATE rooms SET", "INSERT INTO events", "UPDATE sessions SET", *one[4:]]
    assert one[4:] == ["UPDATE rooms SET", "COMMIT"]
    assert await calls_for_next(100) == one


async def test_when_it_is_busy_a_flush_waits_for_more_of_them_and_else_for_nobody(
    house: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "COMMIT_EVERY", 0.3)
    diaries = [await Diary.new(house.store) for _ in range(sqlite.BUSY + 2)]
    *many, ada, ben = diaries

    async def commits_of_two_one_after_the_other() -> int:
        async with Calls(house.database) as calls:
            first = asyncio.create_task(ada.write(turned("home"), turned("people")))
            for _ in range(5):
                await asyncio.sleep(0)
            await asyncio.gather(first, ben.write(turned("home"), turned("people")))
        return calls.kinds().count("COMMIT")

    assert await commits_of_two_one_after_the_other() == 2
    await asyncio.gather(*(diary.write(turned("people")) for diary in many))
    assert await commits_of_two_one_after_the_other() == 1
    assert all([await diary.is_as_expected() for diary in diaries])


async def test_a_loser_in_a_shared_commit_costs_the_winners_nothing(house: Opened) -> None:
    diaries = [await Diary.new(house.store) for _ in range(5)]
    late = diaries[0]
    losing = following(late.at(2), [turned("home")])
    outcomes = await asyncio.gather(
        house.store.append(late.room, late.session, late.at(2), losing),
        *(diary.write(turned("people")) for diary in diaries),
    )

    assert outcomes[0] == Missed(tuple(late.log[2:3])) or outcomes[0] == Missed(tuple(late.log[2:]))
    assert all([await diary.is_as_expected() for diary in diaries])


async def test_a_second_append_to_a_room_waits_for_what_comes_of_the_first(house: Opened) -> None:
    """A bounded wait: were both in one commit, one of the two would never be answered."""
    diary = await Diary.new(house.store)
    rivals = [following(diary.head, [turned("people")]) for _ in range(3)]
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(
            *(house.store.append(diary.room, diary.session, diary.head, mine) for mine in rivals)
        )
    assert outcomes == [Appended(), Missed(tuple(rivals[0])), Missed(tuple(rivals[0]))]


# --- patience ---


@contextmanager
def another_process_writes(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def all_in_vain(*asked: Awaitable[object]) -> bool:
    """Whether all of these give up, and soon."""
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    return all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)


async def test_nobody_waits_for_the_patience_of_those_before(
    house: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what nobody waits for any more is not done later, when it would surprise: all but the first is not begun."""
    diary = await Diary.new(house.store)
    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    async with Calls(house.database) as calls:
        with another_process_writes(tmp_path / "copage.db"):
            assert await all_in_vain(
                *(house.database.write(Statement(NEW_START_LINK, (f"hash-{at}", at), rows=1)) for at in range(8)),
                diary.write(turned("people")),
                house.store.destroy(diary.session, NOON),
            )
        monkeypatch.undo()
        await house.database.write(Statement(NEW_START_LINK, ("hash-last", 9), rows=1))

    assert calls.seen.count("BEGIN IMMEDIATE") == 2
    rows = await house.database.read("SELECT hash FROM start_links ORDER BY created_at")
    assert [row["hash"] for row in rows] == ["hash-last"]
    assert await diary.is_as_expected()


async def test_an_append_that_nobody_waits_for_any_more_is_not_carried_out_with_the_others(
    house: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ada has less patience than Ben, whose append is in the same commit."""
    ada, ben = await Diary.new(house.store), await Diary.new(house.store)

    async def write_patiently() -> None:
        monkeypatch.undo()
        await ben.write(turned("people"))

    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    with another_process_writes(tmp_path / "copage.db"):
        hers = asyncio.ensure_future(ada.write(turned("people")))
        his = asyncio.ensure_future(write_patiently())
        await asyncio.wait([hers])
        assert isinstance(hers.exception(), StoreUnavailable)
        assert not his.done()
    await his

    assert await ada.is_as_expected()
    assert await ben.is_as_expected()


async def test_a_read_that_nobody_waits_for_any_more_is_not_begun(
    house: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    gate = threading.Event()

    def wait_here(number: int) -> None:
        begun.append(number)
        gate.wait(10)

    await house.database._reader.create_function("wait_here", 1, wait_here)
    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    assert await all_in_vain(*(house.database.read("SELECT wait_here($1)", number) for number in range(8)))
    gate.set()
    monkeypatch.undo()

    assert len(await house.database.read("SELECT wait_here(8)")) == 1
    assert begun == [0, 8]


# --- small tables ---


async def test_a_transaction_happens_whole_or_not_at_all(house: Opened) -> None:
    with pytest.raises(Conflict):
        await house.database.write(
            Statement(NEW_START_LINK, ("hash-1", 1), rows=1),
            Statement("UPDATE start_links SET used_at = $1 WHERE hash = $2", (2, "hash-2"), rows=1),
        )

    assert await house.database.read("SELECT * FROM start_links") == []


async def test_a_key_that_is_taken_is_a_conflict(house: Opened) -> None:
    await house.database.write(Statement(NEW_START_LINK, ("hash-1", 1), rows=1))
    with pytest.raises(Conflict):
        await house.database.write(Statement(NEW_START_LINK, ("hash-1", 2), rows=1))

    assert [row["created_at"] for row in await house.database.read("SELECT * FROM start_links")] == [1]


async def test_of_two_who_use_a_link_at_once_one_does(house: Opened) -> None:
    await house.database.write(Statement(NEW_START_LINK, ("hash-1", 1), rows=1))
    use = "UPDATE start_links SET used_at = $1 WHERE hash = $2 AND used_at IS NULL RETURNING used_at"

    outcomes = await asyncio.gather(
        *(house.database.write(Statement(use, (at, "hash-1"), rows=1)) for at in (5, 6, 7)), return_exceptions=True
    )

    assert outcomes[0] == [[{"used_at": 5}]]
    assert [type(outcome) for outcome in outcomes[1:]] == [Conflict, Conflict]


async def test_a_mistake_in_our_own_sql_is_seen_and_harms_nobody(house: Opened) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await house.database.read("SELECT * FROM no_such_table")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await house.database.write(Statement("DELETE FROM no_such_table"))
    with pytest.raises(sqlite3.IntegrityError, match="INTEGER"):
        await house.database.write(Statement(NEW_START_LINK, ("hash-1", "yesterday")))

    await house.database.write(Statement(NEW_START_LINK, ("hash-1", 1), rows=1))


async def test_a_reader_cannot_write(house: Opened) -> None:
    with pytest.raises(StoreUnavailable):
        await house.database.read("DELETE FROM start_links")


@pytest.mark.parametrize("steps", [0, 1, 2, 4])
async def test_who_goes_away_in_the_middle_of_a_write_tears_nothing(house: Opened, steps: int) -> None:
    waiting = asyncio.ensure_future(
        house.database.write(*(Statement(NEW_START_LINK, (f"hash-{number}", number)) for number in range(3)))
    )
    for _ in range(steps):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await house.database.write(Statement(NEW_START_LINK, ("hash-last", 9), rows=1))

    rows = await house.database.read("SELECT hash FROM start_links ORDER BY created_at")
    assert [row["hash"] for row in rows] in (["hash-last"], ["hash-0", "hash-1", "hash-2", "hash-last"])


# --- the process and its file ---


async def test_a_second_process_is_refused_in_one_line(house: Opened, tmp_path: Path) -> None:
    (line,) = await said_by(await other_process("open", tmp_path))
    assert line.startswith("DatabaseBusy: Another Copage serves")
    with pytest.raises(DatabaseBusy):
        await migrate(tmp_path / "copage.db")

    await Diary.new(house.store)


async def test_after_the_first_process_has_gone_the_next_may(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble):
        pass
    assert await said_by(await other_process("open", tmp_path)) == ["opened"]


async def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    process = await other_process("append", tmp_path)
    assert process.stdout is not None
    room, epoch = (await process.stdout.readline()).decode().split()
    acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(25)]
    process.kill()
    acknowledged += [line.decode().strip() for line in (await process.stdout.read()).splitlines(keepends=True)]
    await process.wait()

    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        head = (await house.store.heads([room]))[room]
        assert head.epoch == epoch
        rows = await house.database.read("SELECT tail FROM events WHERE seq > 3 ORDER BY seq")
        there = [str(row["tail"]) for row in rows]
        # One more may have been written than the process came to say.
        assert there[: len(acknowledged)] == acknowledged
        assert len(there) <= len(acknowledged) + 1
        assert room_of(await house.store.load(room)) is not None


async def test_closing_leaves_no_thread_and_one_file(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    database = await SqliteDatabase.open(tmp_path / "copage.db", no_trouble)
    waiting = asyncio.gather(
        *(database.write(Statement(NEW_START_LINK, (f"hash-{number}", 1), rows=1)) for number in range(20))
    )
    await asyncio.sleep(0)
    await database.close()
    await database.close()

    assert len(await waiting) == 20

    def no_thread_is_left() -> bool:
        return {each for each in threading.enumerate() if not each.name.startswith("asyncio_")} <= before

    await until(no_thread_is_left, "the last thread to end", 5)  # It ends a moment after it has closed its connection.
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copage.db", "copage.db.lock"]
    for call in (database.read("SELECT 1"), database.write(Statement(NEW_START_LINK, ("hash", 1)))):
        with pytest.raises(StoreUnavailable):
            await call


async def test_the_files_are_for_their_owner_only(house: Opened, tmp_path: Path) -> None:
    await Diary.new(house.store)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert set(modes) >= {"copage.db", "copage.db-wal", "key"}
    assert set(modes.values()) == {0o600}


# --- errors of the disk ---


async def test_a_disk_that_breaks_stops_everything_once(tmp_path: Path) -> None:
    said = await said_by(await other_process("break", tmp_path))

    assert said[0].startswith("the disk under copage.db gave an error")
    assert said[1:] == ["unavailable", "unavailable"]


async def test_a_full_disk_is_said_and_overcome(house: Opened) -> None:
    diary = await Diary.new(house.store)

    async def call(sql: str) -> Sequence[tuple[object, ...]]:
        return await house.database._in_its_thread(lambda: house.database._writer.call(sql))

    ((pages,),) = await call("PRAGMA page_count")
    await call(f"PRAGMA max_page_count = {pages!r}")
    with pytest.raises(StoreUnavailable):
        for _ in range(200):
            await diary.write(turned("people"))
    await call("PRAGMA max_page_count = 1000000")

    assert await diary.is_as_expected()
    await diary.write(turned("home"))
    assert await diary.is_as_expected()


# --- a room that has a name ---


async def test_a_labelled_room_outlives_its_last_session(house: Opened) -> None:
    """[SE7]"""
    diary = await Diary.new(house.store)
    label = Statement("UPDATE rooms SET sealed = $1 WHERE id = $2", (b"the label", diary.room), rows=1)
    await house.database.write(label)
    await diary.write(ended())

    await house.store.destroy(diary.session, NOON)

    await stands_without_a_session(diary)
    await diary.meet()
    assert room_of(await house.store.load(diary.room)) == diary.expected
    assert await house.store.after(diary.room, diary.at(4)) == Missed(tuple(diary.log[4:]))
    await house.store.destroy(diary.session, NOON)
    await stands_without_a_session(diary)


async def test_a_room_without_a_label_goes_with_its_last_session_and_so_does_its_team(house: Opened) -> None:
    """[SE7]"""
    kept, gone = await Diary.new(house.store), await Diary.new(house.store)
    for diary in (kept, gone):
        sql = "INSERT INTO members (room, account, lead, from_at) VALUES ($1, 'account-1', 1, 0)"
        await house.database.write(Statement(sql, (diary.room,), rows=1))
    await house.store.prepare(NewSession(gone.room, "for-tuesday", False, "account-1", NOON))

    await house.store.destroy(gone.session, NOON)
    assert room_of(await house.store.load(gone.room)) is not None
    await house.store.destroy("for-tuesday", NOON)

    assert room_of(await house.store.load(gone.room)) is None
    assert [row["room"] for row in await house.database.read("SELECT room FROM members")] == [kept.room]


NEW_LINK = """INSERT INTO invitations (hash, room, session, role, sealed, created_at, over_at)
    VALUES ($1, $2, $3, 'service_user', CAST('the link' AS BLOB), 0, $4)"""
NEW_TICKET = """INSERT INTO tickets (id, room, session, participant, role, secret_hash, here_hash, created_at)
    VALUES ($1, $2, $3, 'ben', 'service_user', 'hash', 'here', 0)"""
NEW_CODE = "INSERT INTO codes (hash, invitation, sealed, created_at) VALUES ($1, $1, CAST('the code' AS BLOB), 0)"


async def test_what_hangs_on_a_session_goes_with_it_and_its_links_are_over(house: Opened) -> None:
    """[SE6] A link is known for a while longer, so that it can be said that it is over; what it was is gone."""
    diary, other = await Diary.new(house.store), await Diary.new(house.store)
    for id, whose, over_at in (("over before", diary, 7), ("over now", diary, None), ("another's", other, None)):
        await house.database.write(
            Statement(NEW_LINK, (id, whose.room, whose.session, over_at)),
            Statement(NEW_TICKET, (id, whose.room, whose.session)),
            Statement(NEW_CODE, (id,)),
        )

    await house.store.destroy(diary.session, NOON)

    links = await house.database.read("SELECT hash, over_at, sealed FROM invitations")
    assert {str(link["hash"]): (link["over_at"], link["sealed"]) for link in links} == {
        "over before": (7, b""),
        "over now": (NOON, b""),
        "another's": (None, b"the link"),
    }
    assert [row["id"] for row in await house.database.read("SELECT id FROM tickets")] == ["another's"]
    assert [row["hash"] for row in await house.database.read("SELECT hash FROM codes")] == ["another's"]


# --- versions of the tables ---


async def migrate(file: Path) -> int:
    """Open the database, as every command does; gives the version that its tables have then."""
    await (await SqliteDatabase.open(file, no_trouble)).close()
    return version(file)


def version(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return schema.version_of(connection)


async def test_migrating_twice_is_migrating_once(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "copage.db"
    assert await migrate(file) == schema.NEWEST
    assert await migrate(file) == schema.NEWEST
    with closing(sqlite3.connect(file)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == set(schema.TABLES)


LOGIN = "f.wiedehopf"


class OldHouse:
    """A database as version 1 left it: what stood in its tables, sealed as it was sealed then."""

    def __init__(self, folder: Path) -> None:
        self.vault = Vault(make_key(folder / "key"))
        self._connection = sqlite3.connect(folder / "copage.db")
        self._connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
        for statement in schema.VERSIONS[0]:
            self._connection.execute(statement)
        self._add("meta", "schema", "1")
        self._add("meta", "key_check", self.vault.key_check())

    def account(self) -> None:
        hashed = self.vault.fingerprint(LOGIN.encode(), "accounts", "login")
        sealed = self.vault.seal_house(b"Friederike", "accounts", "account-1")
        self._add("accounts", "account-1", hashed, sealed, "a hash of a password", "worker", 0, NOON)

    def session(
        self, number: int, log: Sequence[Recorded], kept: Room | None = None, ended_at: int | None = None
    ) -> None:
        """A room with its session, Ben's ticket, and the link he came by. `kept`: the snapshot, which events are in."""
        room, session, ticket = f"room-{number}", f"session-{number}", f"ticket-{number}"
        key, wrapped = self.vault.new_key(room, session)
        head = (log[-1].seq, log[-1].tail) if log else (0, "")
        self._add("rooms", room, "epoch", *head)
        self._add("sessions", session, room, wrapped, 0, "account-1", NOON, ended_at)
        for each in log[kept.seq if kept else 0 :]:
            self._add("events", room, *msgspec.structs.astuple(queries._sealed_event(key, room, each)))
        if kept is not None:
            self._add("snapshots", room, kept.seq, kept.tail, queries._sealed_snapshot(key, kept, b"")[0])
        self._add("tickets", ticket, room, session, "ben", "service_user", "hash", "here", NOON, None)
        self._add("invitations", f"link-{number}", room, "service_user", b"sealed", NOON, NOON, ticket, None)

    def _add(self, table: str, *values: object) -> None:
        places = ", ".join("?" * len(values))
        self._connection.execute(f"INSERT INTO {table} VALUES ({places})", values)

    def close(self) -> None:
        self._connection.commit()
        self._connection.close()


async def test_what_version_1_wrote_is_read(tmp_path: Path) -> None:
    """Three rooms: one in use, one that has ended, and one whose server died before its session was opened."""
    start = Position("epoch", 0, "")
    in_use = following(start, [*begun("session-1"), turned("people"), turned("hard-days")])
    over = following(start, [*begun("session-2"), turned("people"), ended()])
    now, then = replay(Room("room-1", "epoch"), in_use), replay(Room("room-2", "epoch"), over)
    with closing(OldHouse(tmp_path)) as old:
        old.account()
        old.session(1, in_use, kept=replay(Room("room-1", "epoch"), in_use[:4]))
        old.session(2, over, ended_at=NOON + 9)
        old.session(3, [])

    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as house:
        store, read = house.store, house.database.read
        assert room_of(await store.load("room-1")) == now
        assert room_of(await store.load("room-2")) == then == room_of(await store.closed("session-2"))
        assert room_of(await store.load("room-3")) == Room("room-3", "epoch")
        assert await store.after("room-1", Position("epoch", 4, in_use[3].tail)) == Missed(tuple(in_use[4:]))
        assert await store.after("room-2", start) == Missed(tuple(over))
        [row] = await store.sessions("room-1")
        assert row == SessionRow("room-1", "session-1", False, "account-1", made_at=NOON, opened_at=NOON)
        assert {row.session: (row.opened_at, row.ended_at) for row in await store.sessions()} == {
            "session-1": (NOON, None),
            "session-2": (NOON, NOON + 9),
            "session-3": (None, None),
        }
        [account] = await read("SELECT * FROM accounts")
        assert account["login_hash"] == house.vault.fingerprint(LOGIN.encode(), "accounts", "login")
        assert house.vault.open_house(cast(bytes, account["sealed"]), "accounts", "account-1") == b"Friederike"
        assert (account["roles"], account["password"]) == ("admin,worker", "a hash of a password")
        [ticket] = await read("SELECT * FROM tickets WHERE id = 'ticket-1'")
        assert (ticket["session"], ticket["participant"], ticket["admitted_at"]) == ("session-1", "ben", NOON)
        [link] = await read("SELECT * FROM invitations WHERE hash = 'link-1'")
        assert (link["session"], link["ticket"], link["over_at"]) == ("session-1", "ticket-1", None)
        [member] = await read("SELECT account, lead, from_at, to_at FROM members WHERE room = 'room-1'")
        assert tuple(member.values()) == ("account-1", 1, NOON, None)
        more = following(now.position, [turned("home")])
        assert await store.append("room-1", "session-1", now.position, more) == Appended()
        await store.destroy("session-1", NOON)
        assert room_of(await store.load("room-1")) is None


async def test_an_interrupted_migration_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = schema.VERSIONS
    later = ("CREATE TABLE later (id TEXT PRIMARY KEY) STRICT",)
    monkeypatch.setattr(schema, "VERSIONS", (*whole, (*later, "CREATE TABLE trouble (")))
    monkeypatch.setattr(schema, "NEWEST", len(whole) + 1)
    with pytest.raises(SchemaProblem):
        await migrate(tmp_path / "copage.db")
    assert version(tmp_path / "copage.db") == len(whole)

    monkeypatch.setattr(schema, "VERSIONS", (*whole, later))
    assert await migrate(tmp_path / "copage.db") == len(whole) + 1
    assert await migrate(tmp_path / "copage.db") == len(whole) + 1


async def test_tables_of_a_newer_copage_are_refused_in_one_line(tmp_path: Path) -> None:
    await migrate(tmp_path / "copage.db")
    with closing(sqlite3.connect(tmp_path / "copage.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")

    with pytest.raises(SchemaProblem, match=r"^The database has tables of version 99; this program knows \d+\. .*$"):
        await migrate(tmp_path / "copage.db")


async def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "copage.db").write_text("Dear diary, " * 500)
    with pytest.raises(SchemaProblem, match=r"^The database .* cannot be opened: [^\n]*$"):
        await SqliteDatabase.open(tmp_path / "copage.db", no_trouble)

    assert (tmp_path / "copage.db").read_text().startswith("Dear diary")


async def test_an_older_sqlite_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "SQLITE_AT_LEAST", (99, 0, 0))
    with pytest.raises(SchemaProblem, match=r"^This Python brings SQLite .*; Copage needs at least 99\.0\.0\.$"):
        await SqliteDatabase.open(tmp_path / "copage.db", no_trouble)


async def test_a_room_whose_rows_are_not_all_there_is_not_given_out(house: Opened) -> None:
    diary = await Diary.new(house.store)
    await house.database.write(Statement("DELETE FROM events WHERE seq = 2", rows=1))

    with pytest.raises(StoreUnavailable):
        room_of(await house.store.load(diary.room))
    assert await house.store.after(diary.room, diary.at(0)) == Diverged()
