"""SQLite as the database of one serving process: one committer writes, everybody's commits share a flush.

In the order an append travels: `append` puts it into the queue and waits; the committer takes all that are waiting,
writes them in one transaction of a fixed number of calls, and answers each. Readers have a connection of their own.
Nobody waits longer than `PATIENCE`, however many stand before them; what nobody waits for any more is not begun.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

import aiosqlite
import msgspec

from server.ports import Conflict, Row, Statement, StoreUnavailable, Value
from server.store.backup import check_backup
from server.store.problems import BackupProblem, DatabaseBusy, SchemaProblem
from server.store.queries import Entry
from server.store.schema import TABLES, bring_up_to_date
from server.store.vault import Vault, sync_folder

Fatal = Callable[[str], None]
"""Called once with one line when the disk can no longer be trusted. The process must stop; a restart finds what was
really written."""

APPENDS_AT_ONCE = 512

NOT_BROUGHT_BACK = ("staff_sessions", "start_links", "staff_links", "codes")
"""Tables that are empty after a restore: what opens the desk or a door by itself, without a password or a link."""

# Compare and append for a whole batch: only rooms that stand where their entry says move on, and only they are named.
_MOVE_ON = """
    UPDATE rooms SET seq = entry.value ->> 4, tail = entry.value ->> 5
    FROM json_each($1) AS entry
    WHERE rooms.id = entry.value ->> 0
        AND rooms.epoch = entry.value ->> 1 AND rooms.seq = entry.value ->> 2 AND rooms.tail = entry.value ->> 3
        AND EXISTS (
            SELECT 1 FROM sessions
            WHERE sessions.id = entry.value ->> 6 AND sessions.room = rooms.id AND sessions.ended_at IS NULL
        )
    RETURNING rooms.id
"""
_ADD_EVENT = "INSERT INTO events (room, session, seq, tail, kind, win, number, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_MARK_OPENED = (
    """UPDATE sessions SET opened_at = opened.value ->> 4
        FROM json_each($1) AS opened WHERE sessions.id = opened.value ->> 1""",
    """UPDATE rooms SET session = opened.value ->> 1, ground = opened.value ->> 2, ground_tail = opened.value ->> 3,
        last_at = opened.value ->> 4
        FROM json_each($1) AS opened WHERE rooms.id = opened.value ->> 0""",
)
_MARK_ENDED = (
    """UPDATE sessions SET ended_at = ended.value ->> 1
        FROM json_each($1) AS ended WHERE sessions.id = ended.value ->> 0""",
    # What a device still keeps of words that never came can not be read any more.
    """UPDATE tickets SET device_key = NULL
        FROM json_each($1) AS ended WHERE tickets.session = ended.value ->> 0""",
)

DISK_NOT_TO_BE_TRUSTED = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
KEY_IS_TAKEN = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)
PATIENCE = 5.0
"""Seconds that a caller waits, in all: in the queue and for the answer."""
BUSY_MILLISECONDS = 5000
"""How long SQLite itself waits for another process that holds the file."""

Rows: TypeAlias = Sequence[Sequence[Row]]
Answer = TypeVar("Answer")


class _Waiting(Generic[Answer]):
    """What somebody waits for. A caller that has gone away (was cancelled, had no more patience) is not answered."""

    def __init__(self) -> None:
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    @property
    def gone(self) -> bool:
        return self.future.done()

    def answer(self, value: Answer) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def refuse(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Append(_Waiting[bool]):
    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry


class _Work(_Waiting[Rows]):
    """Something else that needs the writing connection for itself. `run` is given the work itself."""

    def __init__(self, run: Callable[[_Work], Awaitable[Rows]]) -> None:
        super().__init__()
        self.run = run


class _NobodyWaits(Exception):
    """Whoever asked has gone, and nothing has been done yet: so nothing is."""


class SqliteDatabase:
    """`Database` (and `queries.Log`) in one file. Open it with `open`, and `close` it: it has threads."""

    def __init__(
        self, path: Path, lock: int, writer: aiosqlite.Connection, reader: aiosqlite.Connection, on_fatal: Fatal
    ) -> None:
        self.path = path
        self._lock = lock
        self._writer = writer
        self._reader = reader
        self._reading = asyncio.Lock()
        self._queue: deque[_Append | _Work] = deque()
        self._more = asyncio.Event()
        self._closing = False
        self._broken: str | None = None
        self._owes_truncation = False
        self._on_fatal = on_fatal
        self._committer = asyncio.create_task(self._commit(), name="sqlite committer")

    @classmethod
    async def open(cls, path: Path, on_fatal: Fatal) -> SqliteDatabase:
        """Take the file for this process, bring its tables up to date, and begin. Call `close` when done.

        Raises:
            DatabaseBusy: another process serves it.
            SchemaProblem: it cannot be opened, or its tables are newer than this program.
        """
        lock = take_lock(path)
        try:
            await asyncio.to_thread(_bring_file_up_to_date, path)
            writer = await _connect_to_write(path)
            try:
                reader = await _connect_to_read(path)
            except BaseException:
                await writer.close()
                raise
        except BaseException as error:
            os.close(lock)
            if isinstance(error, sqlite3.Error):
                raise SchemaProblem(f"The database {path} cannot be opened: {error}.") from None
            raise
        return cls(path, lock, writer, reader, on_fatal)

    async def close(self) -> None:
        """Finish what is waiting, and let go of the file. No thread is left. Doing it twice is harmless."""
        if self._closing:
            return
        self._closing = True
        self._more.set()
        try:
            await self._committer
        finally:
            async with self._reading:
                await self._reader.close()
            # Last, so that it tidies the write-ahead file away.
            await self._writer.close()
            os.close(self._lock)

    # --- reading ---

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """See `Database.read`."""
        self._must_work()
        try:
            async with _patience():
                rows = await self._read_alone(sql, values)
        except sqlite3.Error as error:
            raise _as_seen_outside(error) from error
        return [dict(row) for row in rows]

    async def _read_alone(self, sql: str, values: Iterable[Value]) -> Iterable[sqlite3.Row]:
        """One read at a time is given to the connection: out of its own queue nobody can step back."""
        await self._reading.acquire()
        reading = asyncio.ensure_future(self._reader.execute_fetchall(sql, _named(values)))
        reading.add_done_callback(self._read_is_over)
        return await asyncio.shield(reading)

    def _read_is_over(self, reading: asyncio.Future[Iterable[sqlite3.Row]]) -> None:
        self._reading.release()
        if not reading.cancelled():
            reading.exception()  # Looked at here, because whoever asked may have gone.

    async def key_check(self) -> str | None:
        """What the database says about the key it was sealed with; None if it never was."""
        rows = await self.read("SELECT value FROM meta WHERE key = 'key_check'")
        return str(rows[0]["value"]) if rows else None

    # --- writing: put into the queue, and wait ---

    async def append(self, entry: Entry) -> bool:
        """See `queries.Log.append`."""
        job = _Append(entry)
        self._put(job)
        async with _patience():
            return await job.future

    async def write(self, *statements: Statement) -> Sequence[Sequence[Row]]:
        """See `Database.write`."""
        async with _patience():
            return await self._done_alone(lambda job: self._in_transaction(lambda: self._run_all(statements), job))

    async def erase(self, *statements: Statement) -> None:
        """See `Database.erase`."""
        async with _patience():
            await self._done_alone(lambda job: self._erase(statements, job))

    async def restore_from(self, backup: Path, vault: Vault) -> None:
        """Put the content of `backup` in place of everything, in one transaction, and give every room a new epoch:
        whoever has a copy of a room will find that it is of another past, and must load it anew.

        What was revoked, ended or destroyed after the backup was made is again as it was then, except that nobody is
        signed in: a sign-in that was ended must not come back.

        Raises:
            BackupProblem: it is not a complete backup of this version, was sealed with another key, or is this database
                itself, by whatever name. Nothing changed.
        """
        if backup.exists() and backup.samefile(self.path):
            raise BackupProblem(f"{backup} is the database itself. Name a backup.")
        await asyncio.to_thread(check_backup, backup, vault)
        await self._done_alone(lambda job: self._replace_by(backup, job))

    async def _done_alone(self, run: Callable[[_Work], Awaitable[Rows]]) -> Rows:
        job = _Work(run)
        self._put(job)
        return await job.future

    def _put(self, job: _Append | _Work) -> None:
        self._must_work()
        self._queue.append(job)
        self._more.set()

    def _must_work(self) -> None:
        if self._broken is not None:
            raise StoreUnavailable(self._broken)
        if self._closing:
            raise StoreUnavailable("the database is closed")

    # --- the committer: the only one that uses the writing connection ---

    async def _commit(self) -> None:
        while True:
            batch = self._next_batch()
            if batch:
                await self._commit_appends(batch)
            elif self._queue:
                await self._commit_work(self._queue.popleft())
            elif self._closing:
                return
            else:
                self._more.clear()
                await self._more.wait()
                continue
            if self._owes_truncation:
                await self._truncate()

    def _next_batch(self) -> list[_Append]:
        """The appends at the front of the queue, no room twice: a second one waits to see what came of the first.

        What nobody waits for any more goes: with a file that is held up, the callers of today would wait for all who
        gave up before them.
        """
        batch: dict[str, _Append] = {}
        while self._queue and len(batch) < APPENDS_AT_ONCE:
            job = self._queue[0]
            if job.gone:
                self._queue.popleft()
                continue
            if not isinstance(job, _Append) or job.entry.room in batch:
                break
            batch[job.entry.room] = job
            self._queue.popleft()
        return list(batch.values())

    async def _commit_appends(self, batch: Sequence[_Append]) -> None:
        try:
            moved = await self._in_transaction(
                lambda: self._append_all([job.entry for job in batch if not job.gone]), *batch
            )
        except Exception as error:
            for job in batch:
                job.refuse(_as_seen_outside(error))
        else:
            for job in batch:
                job.answer(job.entry.room in moved)

    async def _append_all(self, entries: Sequence[Entry]) -> frozenset[str]:
        """The rooms whose entry was written. The same few calls for one entry and for hundreds."""
        named = [
            (each.room, *msgspec.structs.astuple(each.after), each.head.seq, each.head.tail, each.session)
            for each in entries
        ]
        moved = frozenset(str(row[0]) for row in await self._call(_MOVE_ON, _json(named)))
        winners = [entry for entry in entries if entry.room in moved]
        if winners:
            rows = [(each.room, each.session, *msgspec.structs.astuple(row)) for each in winners for row in each.rows]
            async with self._writer.executemany(_ADD_EVENT, rows):
                pass
        opened = [
            (each.room, each.session, each.after.seq, each.after.tail, each.opened_at)
            for each in winners
            if each.opened_at is not None
        ]
        if opened:
            for sql in _MARK_OPENED:
                await self._call(sql, _json(opened))
        ended = [(each.session, each.ended_at) for each in winners if each.ended_at is not None]
        if ended:
            for sql in _MARK_ENDED:
                await self._call(sql, _json(ended))
        return moved

    async def _commit_work(self, job: _Append | _Work) -> None:
        assert isinstance(job, _Work)
        try:
            job.answer(await job.run(job))
        except Exception as error:
            job.refuse(_as_seen_outside(error))

    async def _run_all(self, statements: Iterable[Statement]) -> Rows:
        return [await self._run(statement) for statement in statements]

    async def _run(self, statement: Statement) -> Sequence[Row]:
        async with self._writer.execute(statement.sql, _named(statement.values)) as cursor:
            rows = [dict(row) for row in await cursor.fetchall()]
            touched = len(rows) if cursor.description else cursor.rowcount
        if statement.rows is not None and touched != statement.rows:
            raise Conflict(f"{touched} rows instead of {statement.rows}")
        return rows

    async def _erase(self, statements: Iterable[Statement], job: _Work) -> Rows:
        await self._in_transaction(lambda: self._run_all(statements), job)
        await self._truncate()
        return ()

    async def _replace_by(self, backup: Path, job: _Work) -> Rows:
        await self._call("ATTACH $1 AS backup", f"{backup.absolute().as_uri()}?mode=ro")
        try:
            await self._in_transaction(self._replace_all, job)
        finally:
            await self._call("DETACH backup")
        return ()

    async def _replace_all(self) -> None:
        for table in TABLES:
            await self._call(f"DELETE FROM main.{table}")
            await self._call(f"INSERT INTO main.{table} SELECT * FROM backup.{table}")
        for table in NOT_BROUGHT_BACK:
            await self._call(f"DELETE FROM main.{table}")
        await self._call("UPDATE main.rooms SET epoch = lower(hex(randomblob(16)))")

    async def _in_transaction(
        self, run: Callable[[], Awaitable[Answer]], *jobs: _Waiting[bool] | _Waiting[Rows]
    ) -> Answer:
        if self._broken is not None:
            raise StoreUnavailable(self._broken)
        try:
            await self._call("BEGIN IMMEDIATE")
            # Until now another process may have held the file, for longer than anybody's patience.
            if all(job.gone for job in jobs):
                raise _NobodyWaits
            result = await run()
        except BaseException as error:
            await self._roll_back(error)
            raise
        try:
            await self._call("COMMIT")
        except sqlite3.Error as error:
            if _kind(error) != sqlite3.SQLITE_FULL:
                self._break(error)
            await self._roll_back(error)
            raise
        return result

    async def _roll_back(self, reason: BaseException) -> None:
        if isinstance(reason, sqlite3.Error) and _kind(reason) in DISK_NOT_TO_BE_TRUSTED:
            self._break(reason)
        try:
            if self._writer.in_transaction:
                await self._call("ROLLBACK")
        except sqlite3.Error as error:
            self._break(error)

    async def _truncate(self) -> None:
        """Empty the write-ahead file, where what was erased still stands. A reader in the middle (a backup) is not
        waited for: then it is tried again after the next commit."""
        try:
            await self._call("PRAGMA busy_timeout = 0")
            ((busy, *_),) = await self._call("PRAGMA wal_checkpoint(TRUNCATE)")
            self._owes_truncation = bool(busy)
            await self._call(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        except sqlite3.Error as error:
            await self._roll_back(error)

    def _break(self, error: sqlite3.Error) -> None:
        """After an error of the disk nobody knows what a later flush would really write: no more commits here."""
        if self._broken is None:
            self._broken = f"the disk under {self.path.name} gave an error: {error}"
            self._on_fatal(self._broken)

    async def _call(self, sql: str, *values: Value) -> list[tuple[Value, ...]]:
        return [tuple(row) for row in await self._writer.execute_fetchall(sql, _named(values))]


def take_lock(path: Path) -> int:
    """Make sure that no other process serves or changes the database at `path`, until the result is closed
    (`os.close`) or this process ends, however it ends.

    Raises:
        DatabaseBusy: another one does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DatabaseBusy(
            f"Another Copage serves {path} already. Stop it first, or use another COPAGE_DATA."
        ) from None
    return lock


def _bring_file_up_to_date(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(path.parent)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        bring_up_to_date(connection)
        connection.execute("PRAGMA journal_mode = WAL")


async def _connect_to_write(path: Path) -> aiosqlite.Connection:
    writer = await aiosqlite.connect(path.absolute().as_uri(), uri=True, isolation_level=None)
    writer.row_factory = sqlite3.Row
    pragmas = ("synchronous = FULL", "secure_delete = ON", f"busy_timeout = {BUSY_MILLISECONDS}")
    for pragma in pragmas:
        await writer.execute_fetchall(f"PRAGMA {pragma}")
    return writer


async def _connect_to_read(path: Path) -> aiosqlite.Connection:
    reader = await aiosqlite.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    reader.row_factory = sqlite3.Row
    # Only the writer checkpoints: two connections doing it can damage the file (the WAL-reset bug of SQLite < 3.51.3).
    for pragma in ("wal_autocheckpoint = 0", "query_only = ON", f"busy_timeout = {BUSY_MILLISECONDS}"):
        await reader.execute_fetchall(f"PRAGMA {pragma}")
    return reader


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        raise StoreUnavailable(f"the database did not answer within {PATIENCE:g} s") from None


def _named(values: Iterable[Value]) -> dict[str, Value]:
    """`$1`, `$2`… are names to SQLite."""
    return {str(number): value for number, value in enumerate(values, start=1)}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _kind(error: sqlite3.Error) -> int:
    """The primary result code, without the extension; 0 for a mistake that SQLite never saw."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _as_seen_outside(error: Exception) -> Exception:
    """What a caller gets. A mistake in our own SQL stays what it is, so that it is found."""
    if not isinstance(error, sqlite3.Error):
        return error
    if getattr(error, "sqlite_errorcode", 0) in KEY_IS_TAKEN:
        return Conflict("there is a row with this key already")
    if _kind(error) in (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT):
        return error
    return StoreUnavailable(f"the database did not answer: {error}")
