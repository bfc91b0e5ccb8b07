"""Copies of the database: making one while the server runs, and looking closely at one before it is used.

A backup holds the sessions' keys as the database does: wrapped. It can be read with the key file only, so keep the two
apart. What is destroyed later lives on in older backups until those are deleted.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.store.problems import BackupProblem
from server.store.schema import NEWEST, TABLES, key_check_of, version_of
from server.store.vault import Vault, sync_folder


def backup(database: Path, target: Path) -> None:
    """Copy `database` as it stands at one moment to the new file `target`, for its owner's eyes only.

    Reads only, so it may run beside a serving process, or in a thread of it. `target` appears when it is complete,
    checked and flushed.

    Raises:
        BackupProblem: show its one line. `target` does not exist, or is what it was.
    """
    if target.exists():
        raise BackupProblem(f"{target} is there already. Name a new file.")
    if not database.exists():
        raise BackupProblem(f"There is no database {database} to copy.")
    try:
        with _new_file_beside(target) as unfinished:
            _copy(database, unfinished)
            _flush(unfinished)
            os.rename(unfinished, target)
        sync_folder(target.parent)
    except sqlite3.Error as error:
        raise BackupProblem(f"The backup {target} could not be made: {error}.") from None
    except OSError as error:
        raise BackupProblem(f"The backup {target} could not be made: {error.strerror}.") from None


def check_backup(file: Path, vault: Vault) -> None:
    """Whether `file` can take the place of the database.

    Raises:
        BackupProblem: it is not a complete copy of these tables, or was sealed with another key than `vault`'s.
    """
    if not file.is_file():
        raise BackupProblem(f"There is no backup {file}.")
    try:
        with closing(open_read_only(file)) as connection:
            version = version_of(connection)
            if version != NEWEST:
                raise BackupProblem(f"{file} has tables of version {version}; this program needs version {NEWEST}.")
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise BackupProblem(f"{file} is damaged. Take another backup.")
            missing = set(TABLES) - {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master")}
            if missing:
                raise BackupProblem(f"{file} is not a whole database: {', '.join(sorted(missing))} is missing.")
            key_check = key_check_of(connection)
    except sqlite3.Error as error:
        raise BackupProblem(f"{file} cannot be read as a backup: {error}.") from None
    if key_check is None or not vault.recognises(key_check):
        raise BackupProblem(
            f"{file} was sealed with another key. It can be restored only with the key file it was made under."
        )


def open_read_only(file: Path) -> sqlite3.Connection:
    """A connection that writes nothing: neither rows nor a checkpoint."""
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _copy(database: Path, target: Path) -> None:
    with closing(open_read_only(database)) as source, closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # All pages in one step are one moment; readers of a write-ahead database hold nobody up.
        source.backup(copy, pages=-1)
        # The copy says of itself that it has a write-ahead file; a backup is one file.
        copy.execute("PRAGMA journal_mode = DELETE")
        if copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise sqlite3.DatabaseError("the copy is damaged")


@contextmanager
def _new_file_beside(target: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _flush(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
