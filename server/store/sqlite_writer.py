"""The one connection that writes to a SQLite file: what a transaction is, and what an error of the disk means.

Nothing here waits for a loop. All of it is called in one thread, in which a whole transaction is one call: each change
of threads costs more than the rows of an append do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from server.ports import Conflict, Row, Statement, Value
from server.store.queries import Entry
from server.store.schema import TABLES

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
BUSY_MILLISECONDS = 5000
"""How long SQLite itself waits for another process that holds the file."""

Rows: TypeAlias = Sequence[Sequence[Row]]
Wanted: TypeAlias = Callable[[], bool]
"""Whether anybody still waits for what is about to be done."""
Answer = TypeVar("Answer")


class NobodyWaits(Exception):
    """Whoever asked has gone, and nothing has been done yet: so nothing is."""


class DiskBroken(Exception):
    """An earlier error of the disk: nobody knows what a later flush would really write, so nothing more is tried."""


class Writer:
    """Make it, use it and `close` it in one thread. Besides what is named, `sqlite3.Error` comes out of everything."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path.absolute().as_uri(), uri=True, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("synchronous = FULL", "secure_delete = ON", f"busy_timeout = {BUSY_MILLISECONDS}"):
            self.call(f"PRAGMA {pragma}")
        self.broken: sqlite3.Error | None = None
        """What ended the trust in the disk."""
        self._owes_truncation = False
        """What was erased may still stand in the write-ahead file."""

    def close(self) -> None:
        self._connection.close()

    def call(self, sql: str, *values: Value) -> list[tuple[Value, ...]]:
        return [tuple(row) for row in self._connection.execute(sql, named(values)).fetchall()]

    def append(self, wanted: Callable[[], Sequence[Entry]]) -> frozenset[str]:
        """The rooms whose entry was written, all in one transaction.

        Args:
            wanted: the entries that somebody waits for, as it is when they can be written. No room twice.
        """
        return self._in_transaction(lambda: self._append_all(wanted()), lambda: bool(wanted()))

    def _append_all(self, entries: Sequence[Entry]) -> frozenset[str]:
        """The same few calls for one entry and for hundreds."""
        expected = [
            (each.room, *msgspec.structs.astuple(each.after), each.head.seq, each.head.tail, each.session)
            for each in entries
        ]
        moved = frozenset(str(row[0]) for row in self.call(_MOVE_ON, _json(expected)))
        winners = [entry for entry in entries if entry.room in moved]
        if winners:
            rows = [(each.room, each.session, *msgspec.structs.astuple(row)) for each in winners for row in each.rows]
            self._connection.executemany(_ADD_EVENT, rows)
        opened = [
            (each.room, each.session, each.after.seq, each.after.tail, each.opened_at)
            for each in winners
            if each.opened_at is not None
        ]
        if opened:
            for sql in _MARK_OPENED:
                self.call(sql, _json(opened))
        ended = [(each.session, each.ended_at) for each in winners if each.ended_at is not None]
        if ended:
            for sql in _MARK_ENDED:
                self.call(sql, _json(ended))
        return moved

    def write(self, statements: Sequence[Statement], wanted: Wanted) -> Rows:
        """What each statement gives, all in one transaction. Raises `Conflict` if one touches other than its rows."""
        return self._in_transaction(lambda: [self._run(statement) for statement in statements], wanted)

    def _run(self, statement: Statement) -> Sequence[Row]:
        cursor = self._connection.execute(statement.sql, named(statement.values))
        rows = [dict(row) for row in cursor.fetchall()]
        touched = len(rows) if cursor.description else cursor.rowcount
        if statement.rows is not None and touched != statement.rows:
            raise Conflict(f"{touched} rows instead of {statement.rows}")
        return rows

    def erase(self, statements: Sequence[Statement], wanted: Wanted) -> Rows:
        """The same, and nothing of what was deleted stays in the write-ahead file."""
        self.write(statements, wanted)
        self._truncate()
        return ()

    def replace_by(self, backup: Path, wanted: Wanted) -> Rows:
        """The rows of `backup` in place of all there are, and every room under a new epoch."""
        self.call("ATTACH $1 AS backup", f"{backup.absolute().as_uri()}?mode=ro")
        try:
            self._in_transaction(self._replace_all, wanted)
        finally:
            self.call("DETACH backup")
        return ()

    def _replace_all(self) -> None:
        for table in TABLES:
            self.call(f"DELETE FROM main.{table}")
            self.call(f"INSERT INTO main.{table} SELECT * FROM backup.{table}")
        for table in NOT_BROUGHT_BACK:
            self.call(f"DELETE FROM main.{table}")
        self.call("UPDATE main.rooms SET epoch = lower(hex(randomblob(16)))")

    def _in_transaction(self, run: Callable[[], Answer], wanted: Wanted) -> Answer:
        if self.broken is not None:
            raise DiskBroken
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            # Until now another process may have held the file, for longer than anybody's patience.
            if not wanted():
                raise NobodyWaits
            result = run()
        except BaseException as error:
            self._roll_back(error)
            raise
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if kind_of(error) != sqlite3.SQLITE_FULL:
                self.broken = error
            self._roll_back(error)
            raise
        if self._owes_truncation:
            self._truncate()
        return result

    def _roll_back(self, reason: BaseException) -> None:
        if isinstance(reason, sqlite3.Error) and kind_of(reason) in DISK_NOT_TO_BE_TRUSTED:
            self.broken = self.broken or reason
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self.broken = self.broken or error

    def _truncate(self) -> None:
        """Empty the write-ahead file, where what was erased still stands. A reader in the middle (a backup) is not
        waited for: then it has to be tried again after the next commit."""
        try:
            self.call("PRAGMA busy_timeout = 0")
            ((busy, *_),) = self.call("PRAGMA wal_checkpoint(TRUNCATE)")
            self._owes_truncation = bool(busy)
            self.call(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        except sqlite3.Error as error:
            self._roll_back(error)


def named(values: Iterable[Value]) -> dict[str, Value]:
    """`$1`, `$2`… are names to SQLite."""
    return {str(number): value for number, value in enumerate(values, start=1)}


def kind_of(error: sqlite3.Error) -> int:
    """The primary result code, without the extension; 0 for a mistake that SQLite never saw."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
