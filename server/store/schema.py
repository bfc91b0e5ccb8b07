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
    (
        # A room lasts: it holds one session after the other, and what staff call it. `session` is the one that was
        # opened last and not destroyed since; (`ground`, `ground_tail`) is where the room stood before its first event.
        "ALTER TABLE rooms ADD COLUMN session TEXT",
        "ALTER TABLE rooms ADD COLUMN ground INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE rooms ADD COLUMN ground_tail TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE rooms ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE rooms ADD COLUMN last_at INTEGER",
        # The label, and the room's own key that it is sealed with. Without a label a room goes with its last session.
        "ALTER TABLE rooms ADD COLUMN key BLOB",
        "ALTER TABLE rooms ADD COLUMN sealed BLOB",
        "UPDATE rooms SET created_at = one.opened_at FROM sessions AS one WHERE one.room = rooms.id",
        """UPDATE rooms SET session = opened.id, last_at = opened.opened_at
            FROM sessions AS opened WHERE opened.room = rooms.id AND rooms.seq > 0""",
        """CREATE TABLE members (
            room TEXT NOT NULL, account TEXT NOT NULL, lead INTEGER NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER,
            PRIMARY KEY (room, account, from_at)
        ) STRICT""",
        "CREATE INDEX members_of_account ON members (account)",
        """INSERT INTO members (room, account, lead, from_at, to_at)
            SELECT room, account, 1, opened_at, NULL FROM sessions WHERE account IS NOT NULL""",
        """CREATE TABLE sessions_2 (
            id TEXT PRIMARY KEY, room TEXT NOT NULL, key BLOB NOT NULL, practice INTEGER NOT NULL, account TEXT,
            made_at INTEGER NOT NULL, planned_at INTEGER, opened_at INTEGER, ended_at INTEGER
        ) STRICT""",
        """INSERT INTO sessions_2 (id, room, key, practice, account, made_at, planned_at, opened_at, ended_at)
            SELECT one.id, room, one.key, practice, account, opened_at, NULL,
                CASE WHEN rooms.seq > 0 THEN opened_at END, ended_at
            FROM sessions AS one JOIN rooms ON rooms.id = room""",
        "ALTER TABLE events ADD COLUMN session TEXT NOT NULL DEFAULT ''",
        "UPDATE events SET session = one.id FROM sessions AS one WHERE one.room = events.room",
        "CREATE INDEX events_of_session ON events (session)",
        """CREATE TABLE snapshots_2 (
            session TEXT PRIMARY KEY, room TEXT NOT NULL, seq INTEGER NOT NULL, tail TEXT NOT NULL,
            payload BLOB NOT NULL
        ) STRICT""",
        """INSERT INTO snapshots_2 (session, room, seq, tail, payload)
            SELECT one.id, snap.room, snap.seq, snap.tail, snap.payload
            FROM snapshots AS snap JOIN sessions AS one ON one.room = snap.room""",
        # A ticket begins with somebody at the door. `sealed`, with the session's key: their name, and what the worker
        # has written to them. `account` and `sign_in`: whose it is, when it is staff's.
        "ALTER TABLE tickets ADD COLUMN admitted_at INTEGER",
        "ALTER TABLE tickets ADD COLUMN ended_why TEXT",
        "ALTER TABLE tickets ADD COLUMN invitation TEXT",
        "ALTER TABLE tickets ADD COLUMN account TEXT",
        "ALTER TABLE tickets ADD COLUMN sign_in TEXT",
        "ALTER TABLE tickets ADD COLUMN sealed BLOB",
        "UPDATE tickets SET admitted_at = created_at",
        """UPDATE tickets SET account = one.account
            FROM sessions AS one WHERE one.id = tickets.session AND tickets.role = 'worker'""",
        "CREATE INDEX tickets_of_session ON tickets (session)",
        "CREATE INDEX tickets_of_account ON tickets (account)",
        # A link is known for a while after its session is gone: `over_at` is when that was.
        "ALTER TABLE invitations ADD COLUMN session TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE invitations ADD COLUMN over_at INTEGER",
        "UPDATE invitations SET session = one.id FROM sessions AS one WHERE one.room = invitations.room",
        "CREATE INDEX invitations_of_session ON invitations (session)",
        """CREATE TABLE codes (
            hash TEXT PRIMARY KEY, invitation TEXT NOT NULL, sealed BLOB NOT NULL, created_at INTEGER NOT NULL
        ) STRICT""",
        "DROP TABLE sessions",
        "ALTER TABLE sessions_2 RENAME TO sessions",
        "CREATE INDEX sessions_of_room ON sessions (room)",
        "DROP TABLE snapshots",
        "ALTER TABLE snapshots_2 RENAME TO snapshots",
        # `roles`: a set, as words with commas between. Who has not followed their first link has no name to sign in
        # with and no password. `totp`: the sealed secret of the second step; `totp_step`: the last one that was used.
        """CREATE TABLE accounts_2 (
            id TEXT PRIMARY KEY, login_hash TEXT UNIQUE, sealed BLOB NOT NULL, password TEXT, roles TEXT NOT NULL,
            disabled INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, totp BLOB, totp_step INTEGER
        ) STRICT""",
        """INSERT INTO accounts_2 (id, login_hash, sealed, password, roles, disabled, created_at)
            SELECT id, login_hash, sealed, password, 'admin,worker', disabled, created_at FROM accounts""",
        "DROP TABLE accounts",
        "ALTER TABLE accounts_2 RENAME TO accounts",
        """CREATE TABLE recovery_codes (
            account TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (account, hash)
        ) STRICT""",
        """CREATE TABLE staff_links (
            hash TEXT PRIMARY KEY, account TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER
        ) STRICT""",
        """CREATE TABLE supervisions (
            supervisor TEXT NOT NULL, worker TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER,
            PRIMARY KEY (supervisor, worker, from_at)
        ) STRICT""",
        # How far a sign-in has come: `in`, or what is asked for next (`code`, `set_up`).
        "ALTER TABLE staff_sessions ADD COLUMN stage TEXT NOT NULL DEFAULT 'in'",
    ),
    (
        # The words of the notes, sealed, beside the room they belong to.
        "ALTER TABLE snapshots ADD COLUMN words BLOB",
        # The key for what this device keeps of words that it could not send; gone as soon as the ticket or the session
        # has ended.
        "ALTER TABLE tickets ADD COLUMN device_key BLOB",
    ),
)
NEWEST = len(VERSIONS)

TABLES = (
    "meta",
    "rooms",
    "sessions",
    "events",
    "snapshots",
    "members",
    "accounts",
    "recovery_codes",
    "staff_links",
    "supervisions",
    "staff_sessions",
    "tickets",
    "invitations",
    "codes",
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
