"""SQLite as the database of one serving process: one committer writes, everybody's commits share a flush.

In the order an append travels: `append` puts it into the queue and waits; the committer takes all that are waiting, has
them written in one transaction in the writer's thread, and answers each. Readers have a connection of their own.
Nobody waits longer than `PATIENCE`, however many stand before them; what nobody waits for any more is not begun.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import aiosqlite

from server.ports import Conflict, Row, Statement, StoreUnavailable, Value
from server.store.backup import check_backup
from server.store.problems import BackupProblem, DatabaseBusy, SchemaProblem
from server.store.queries import Entry
from server.store.schema import bring_up_to_date
from server.store.sqlite_writer import BUSY_MILLISECONDS, DiskBroken, Rows, Wanted, Writer, kind_of, named
from server.store.vault import Vault, sync_folder

Fatal = Callable[[str], None]
"""Called once with one line when the disk can no longer be trusted. The process must stop; a restart finds what was
really written."""

APPENDS_AT_ONCE = 512

BUSY = 4
"""Appends in one transaction from which on there is time for more of them to come."""
COMMIT_EVERY = 0.005
"""Seconds between the beginnings of two transactions while it is busy, at least: more appends share a flush, and a
change of threads, than if each began where the last one ended. Who writes alone never waits for that."""

PATIENCE = 5.0
"""Seconds that a caller waits, in all: in the queue and for the answer."""

KEY_IS_TAKEN = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)

Answer = TypeVar("Answer")


class _Waiting(Generic[Answer]):
    """What somebody waits for. A caller that has gone away (was cancelled, had no more patience) is not answered."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Answer] = loop.create_future()
        self.until = loop.time() + PATIENCE

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
    """Something else that needs the writer for itself."""

    def __init__(self, run: Callable[[Wanted], Rows]) -> None:
        super().__init__()
        self.run = run


class SqliteDatabase:
    """`Database` (and `queries.Log`) in one file. Open it with `open`, and `close` it: it has threads."""

    def __init__(
        self,
        path: Path,
        lock: int,
        thread: ThreadPoolExecutor,
        writer: Writer,
        reader: aiosqlite.Connection,
        on_fatal: Fatal,
    ) -> None:
        self.path = path
        self._lock = lock
        self._thread = thread
        self._writer = writer
        self._reader = reader
        self._reading = asyncio.Lock()
        self._queue: deque[_Append | _Work] = deque()
        self._unanswered: deque[_Append | _Work] = deque()
        """All that were put into the queue within the last `PATIENCE`, the oldest first."""
        self._impatience: asyncio.TimerHandle | None = None
        self._more = asyncio.Event()
        self._closing = False
        self._broken: str | None = None
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
        thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite writer")
        run = partial(asyncio.get_running_loop().run_in_executor, thread)
        try:
            await run(_bring_file_up_to_date, path)
            writer = await run(Writer, path)
            try:
                reader = await _connect_to_read(path)
            except BaseException:
                await run(writer.close)
                raise
        except BaseException as error:
            thread.shutdown()
            os.close(lock)
            if isinstance(error, sqlite3.Error):
                raise SchemaProblem(f"The database {path} cannot be opened: {error}.") from None
            raise
        return cls(path, lock, thread, writer, reader, on_fatal)

    async def close(self) -> None:
        """Finish what is waiting, and let go of the file. No thread is left. Doing it twice is harmless."""
        if self._closing:
            return
        self._closing = True
        self._more.set()
        try:
            await self._committer
        finally:
            if self._impatience is not None:
                self._impatience.cancel()
            async with self._reading:
                await self._reader.close()
            # Last, so that it tidies the write-ahead file away.
            await self._in_its_thread(self._writer.close)
            self._thread.shutdown(wait=False)
            os.close(self._lock)

    # --- reading ---

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """See `Database.read`."""
        self._must_work()
        try:
            async with asyncio.timeout(PATIENCE):
                rows = await self._read_alone(sql, values)
        except TimeoutError:
            raise _no_patience() from None
        except sqlite3.Error as error:
            raise _as_seen_outside(error) from error
        return [dict(row) for row in rows]

    async def _read_alone(self, sql: str, values: Iterable[Value]) -> Iterable[sqlite3.Row]:
        """One read at a time is given to the connection: out of its own queue nobody can step back."""
        await self._reading.acquire()
        reading = asyncio.ensure_future(self._reader.execute_fetchall(sql, named(values)))
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
        return await job.future

    async def write(self, *statements: Statement) -> Sequence[Sequence[Row]]:
        """See `Database.write`."""
        return await self._done_alone(partial(self._writer.write, statements))

    async def erase(self, *statements: Statement) -> None:
        """See `Database.erase`."""
        await self._done_alone(partial(self._writer.erase, statements))

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
        await self._done_alone(partial(self._writer.replace_by, backup), patient=True)

    async def _done_alone(self, run: Callable[[Wanted], Rows], *, patient: bool = False) -> Rows:
        job = _Work(run)
        self._put(job, patient=patient)
        return await job.future

    def _put(self, job: _Append | _Work, *, patient: bool = False) -> None:
        """`patient`: wait however long it takes."""
        self._must_work()
        self._queue.append(job)
        self._more.set()
        if patient:
            return
        while self._unanswered and self._unanswered[0].gone:
            self._unanswered.popleft()
        self._unanswered.append(job)
        if len(self._unanswered) == 1:
            self._lose_patience_later(job)

    def _lose_patience_later(self, oldest: _Append | _Work) -> None:
        """One timer for all: one for each append would cost as much as all the rest of its way through here."""
        if self._impatience is not None:
            self._impatience.cancel()
        self._impatience = asyncio.get_running_loop().call_at(oldest.until, self._lose_patience)

    def _lose_patience(self) -> None:
        """Refuse who has waited for too long."""
        now = asyncio.get_running_loop().time()
        while self._unanswered and (self._unanswered[0].gone or self._unanswered[0].until <= now):
            self._unanswered.popleft().refuse(_no_patience())
        if self._unanswered:
            self._lose_patience_later(self._unanswered[0])

    def _must_work(self) -> None:
        if self._broken is not None:
            raise StoreUnavailable(self._broken)
        if self._closing:
            raise StoreUnavailable("the database is closed")

    # --- the committer: the only one that uses the writer ---

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        not_before = 0.0
        while True:
            if self._queue and isinstance(self._queue[0], _Append):
                await asyncio.sleep(not_before - loop.time())
            batch = self._next_batch()
            if batch:
                not_before = loop.time() + COMMIT_EVERY if len(batch) >= BUSY else 0.0
                await self._commit_appends(batch)
            elif self._queue:
                await self._commit_work(self._queue.popleft())
            elif self._closing:
                return
            else:
                self._more.clear()
                await self._more.wait()

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
        def wanted() -> list[Entry]:
            return [job.entry for job in batch if not job.gone]

        try:
            moved = await self._in_its_thread(partial(self._writer.append, wanted))
        except Exception as error:
            for job in batch:
                job.refuse(_as_seen_outside(error))
        else:
            for job in batch:
                job.answer(job.entry.room in moved)

    async def _commit_work(self, job: _Append | _Work) -> None:
        assert isinstance(job, _Work)
        try:
            job.answer(await self._in_its_thread(partial(job.run, lambda: not job.gone)))
        except Exception as error:
            job.refuse(_as_seen_outside(error))

    async def _in_its_thread(self, call: Callable[[], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        finally:
            # After an error of the disk nobody knows what a later flush would really write: no more commits here.
            if self._writer.broken is not None and self._broken is None:
                self._broken = f"the disk under {self.path.name} gave an error: {self._writer.broken}"
                self._on_fatal(self._broken)


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


async def _connect_to_read(path: Path) -> aiosqlite.Connection:
    reader = await aiosqlite.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    reader.row_factory = sqlite3.Row
    # Only the writer checkpoints: two connections doing it can damage the file (the WAL-reset bug of SQLite < 3.51.3).
    for pragma in ("wal_autocheckpoint = 0", "query_only = ON", f"busy_timeout = {BUSY_MILLISECONDS}"):
        await reader.execute_fetchall(f"PRAGMA {pragma}")
    return reader


def _no_patience() -> StoreUnavailable:
    return StoreUnavailable(f"the database did not answer within {PATIENCE:g} s")


def _as_seen_outside(error: Exception) -> Exception:
    """What a caller gets. A mistake in our own SQL stays what it is, so that it is found."""
    if isinstance(error, DiskBroken):
        return StoreUnavailable("the disk gave an error before")
    if not isinstance(error, sqlite3.Error):
        return error
    if getattr(error, "sqlite_errorcode", 0) in KEY_IS_TAKEN:
        return Conflict("there is a row with this key already")
    if kind_of(error) in (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT):
        return error
    return StoreUnavailable(f"the database did not answer: {error}")
