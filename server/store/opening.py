"""From a file and a key to a store that can be used: the one way a database is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from server.ports import NewId, Statement
from server.store.backup import check_backup
from server.store.queries import SqlStore
from server.store.sqlite import Fatal, SqliteDatabase
from server.store.vault import Vault, open_vault, read_key


class Opened(msgspec.Struct, frozen=True):
    database: SqliteDatabase
    vault: Vault
    store: SqlStore


@asynccontextmanager
async def open_sqlite(path: Path, key_file: Path, new_id: NewId, on_fatal: Fatal) -> AsyncIterator[Opened]:
    """The database at `path` for as long as the block lasts, for this process alone. A new one is made with a new key.

    Raises:
        StoreProblem: it must not be used as it is (busy, newer tables, missing or wrong key). Show its line and stop.
    """
    database = await SqliteDatabase.open(path, on_fatal)
    try:
        vault = await _vault_of(database, key_file)
        yield Opened(database, vault, SqlStore(database, vault, new_id))
    finally:
        await database.close()


async def restore_alone(path: Path, key_file: Path, backup: Path, on_fatal: Fatal) -> None:
    """Put `backup` in the place of the database at `path` while nobody serves it; there need not be one yet.

    Raises:
        StoreProblem: a process serves it (let that one do it), the key is missing or another, or `backup` is no backup
            of this version. Nothing changed.
    """
    vault = Vault(read_key(key_file))
    check_backup(backup, vault)
    database = await SqliteDatabase.open(path, on_fatal)
    try:
        await database.restore_from(backup, vault)
    finally:
        await database.close()


async def _vault_of(database: SqliteDatabase, key_file: Path) -> Vault:
    key_check = await database.key_check()
    vault = open_vault(key_file, key_check)
    if key_check is None:
        sql = "INSERT INTO meta (key, value) VALUES ('key_check', $1)"
        await database.write(Statement(sql, (vault.key_check(),), rows=1))
    return vault
