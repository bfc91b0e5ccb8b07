"""The tables, in versions. A new version is a new entry at the end of `VERSIONS`; what is there already never changes.

Ids, kinds, numbers and times (milliseconds since 1970, UTC) stand in clear; columns called `payload` or `sealed` hold
what `vault.py` made of everything else. Hashes are SHA-256 in hexadecimal; that of a login name, which
could be guessed, is keyed (`Vault.fingerprint`).
"""

from __future__ import annotations

import sqlite3

from server.store.problems import SchemaProblem

SQLITE_AT_LEAST = (3, 38, 0)

VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        # One order per room: an append succeeds only if it names the epoch, seq and tail that stand here.
        """CREATE TABLE rooms (
            id TEXT PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL, tail TEXT NOT NULL
        ) STRICT""",
        # `key` is wrapped by the installation's key; without it nothing of the session can be read.
        """CREATE TABLE sessions (
            id TEXT PRIMARY KEY, room TEXT NOT NULL UNIQUE, key BLOB NOT NULL, practice INTEGER NOT NULL, account TEXT,
            opened_at INTEGER NOT NULL, ended_at INTEGER
        ) STRICT""",
        """CREATE TABLE events (
            room TEXT NOT NULL, seq INTEGER NOT NULL, tail TEXT NOT NULL, kind TEXT NOT NULL, win TEXT, number INTEGER,
            payload BLOB NOT NULL, PRIMARY KEY (room, seq)
        ) STRICT""",
        """CREATE TABLE snapshots (
            room TEXT PRIMARY KEY, seq INTEGER NOT NULL, tail TEXT NOT NULL, payload BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE accounts (
            id TEXT PRIMARY KEY, login_hash TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL, password TEXT NOT NULL,
            role TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
        ) STRICT""",
        """CREATE TABLE staff_sessions (
            hash TEXT PRIMARY KEY, account TEXT NOT NULL, created_at INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX staff_sessions_of_account ON staff_sessions (account)",
        """CREATE TABLE tickets (
            id TEXT PRIMARY KEY, room TEXT NOT NULL, session TEXT NOT NULL, participant TEXT NOT NULL,
            role TEXT NOT NULL, secret_hash TEXT NOT NULL, here_hash TEXT NOT NULL, created_at INTEGER NOT NULL,
            ended_at INTEGER
        ) STRICT""",
        "CREATE INDEX tickets_of_room ON tickets (room)",
        """CREATE TABLE invitations (
            hash TEXT PRIMARY KEY, room TEXT NOT NULL, role TEXT NOT NULL, sealed BLOB NOT NULL,
            created_at INTEGER NOT NULL, used_at INTEGER, ticket TEXT, revoked_at INTEGER
        ) STRICT""",
        "CREATE INDEX invitations_of_room ON invitations (room)",
        """CREATE TABLE start_links (
            hash TEXT PRIMARY KEY, created_at INTEGER NOT NULL, used_at INTEGER, browser_hash TEXT
        ) STRICT""",
    ),
)
NEWEST = len(VERSIONS)

TABLES = (
    "meta",
    "rooms",
    "sessions",
    "events",
    "snapshots",
    "accounts",
    "staff_sessions",
    "tickets",
    "invitations",
    "start_links",
)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables in a file; 0 for an empty one."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        return 0
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return int(row[0]) if row else 0


def key_check_of(connection: sqlite3.Connection) -> str | None:
    """What the file says about its key; None if it has never been sealed."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'key_check'").fetchone()
    return str(row[0]) if row else None


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Bring the tables to the newest version. Each version is one transaction: interrupted, it goes on where it
    stopped; done twice, nothing happens.

    Args:
        connection: writing, without transactions of its own (`isolation_level=None`), and the only one that writes.

    Raises:
        SchemaProblem: the tables are newer than this program.
    """
    if sqlite3.sqlite_version_info < SQLITE_AT_LEAST:
        wanted = ".".join(map(str, SQLITE_AT_LEAST))
        raise SchemaProblem(f"This Python brings SQLite {sqlite3.sqlite_version}; Copage needs at least {wanted}.")
    had = version_of(connection)
    if had > NEWEST:
        raise SchemaProblem(
            f"The database has tables of version {had}; this program knows {NEWEST}. Use a newer Copage."
        )
    for version in range(had + 1, NEWEST + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
            for statement in VERSIONS[version - 1]:
                connection.execute(statement)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (str(version),))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
