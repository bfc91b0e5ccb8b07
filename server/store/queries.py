"""`Store` over SQL: what is asked, what is sealed, and what the rows mean. The SQL here is common to all databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

import msgspec

from rooms import Event, Position, Recorded, Room, Stamp, replay
from rooms.events import NotesWritten, SessionEnded, SessionOpened
from server.ports import (
    Appended,
    Conflict,
    Database,
    Diverged,
    Kept,
    Missed,
    NewId,
    NewSession,
    Row,
    SessionRow,
    Statement,
)
from server.store.past import must_follow, since
from server.store.problems import Tampered
from server.store.session_keys import SessionKeys
from server.store.vault import Seal, Vault


class EventRow(msgspec.Struct, frozen=True):
    """A row of `events`, without its room."""

    seq: int
    tail: str
    kind: str
    win: str | None
    number: int | None
    payload: bytes


class Entry(msgspec.Struct, frozen=True):
    """One append as a database sees it. `opened_at`, `ended_at`: its session opened or ended with it, at this time."""

    room: str
    session: str
    after: Position
    rows: tuple[EventRow, ...]
    opened_at: int | None = None
    ended_at: int | None = None

    @property
    def head(self) -> EventRow:
        """The last event: where the room will stand."""
        return self.rows[-1]


class Log(Database, Protocol):
    """A database that can also append. How that is quick and safe is different in each."""

    async def append(self, entry: Entry) -> bool:
        """Write `entry` durably if its session is there and the room stands at `entry.after`; False, and nothing
        written, if not."""


# What one question sees is one moment: head, ground, snapshot and events are asked for in a single statement.
_PARTS = """
    SELECT 0 AS part, seq, tail, epoch, session, NULL AS win, CAST(NULL AS BIGINT) AS number,
        CAST(NULL AS BYTEA) AS payload, CAST(NULL AS BYTEA) AS words
    FROM rooms WHERE id = $1
    UNION ALL
    SELECT 1, ground, ground_tail, NULL, NULL, NULL, NULL, NULL, NULL FROM rooms WHERE id = $1
    UNION ALL
    {snapshots}
    UNION ALL
    SELECT 3, seq, tail, NULL, session, win, number, payload, NULL FROM events WHERE room = $1 AND {which}
    ORDER BY part, seq
"""
_LOAD = _PARTS.format(
    snapshots="""
    SELECT 2, snapshots.seq, snapshots.tail, NULL, session, NULL, NULL, payload, words
    FROM snapshots JOIN rooms USING (session) WHERE rooms.id = $1
    """,
    which="""
    session = (SELECT session FROM rooms WHERE id = $1)
    AND seq > COALESCE((SELECT snapshots.seq FROM snapshots JOIN rooms USING (session) WHERE rooms.id = $1), 0)
    """,
)
_AFTER = _PARTS.format(
    snapshots="SELECT 2, seq, tail, NULL, session, NULL, NULL, NULL, NULL FROM snapshots WHERE room = $1",
    which="seq >= $2",
)
_CLOSED = """
    SELECT 0 AS part, 0 AS seq, '' AS tail, epoch, room, NULL AS win, CAST(NULL AS BIGINT) AS number,
        CAST(NULL AS BYTEA) AS payload, CAST(NULL AS BYTEA) AS words
    FROM sessions JOIN rooms ON rooms.id = room WHERE sessions.id = $1 AND ended_at IS NOT NULL
    UNION ALL
    SELECT 2, seq, tail, NULL, room, NULL, NULL, payload, words FROM snapshots WHERE session = $1
    UNION ALL
    SELECT 3, seq, tail, NULL, room, win, number, payload, NULL FROM events WHERE session = $1
    AND seq > COALESCE((SELECT seq FROM snapshots WHERE session = $1), 0)
    ORDER BY part, seq
"""

_IN_ITS_PAST = """
    UPDATE rooms SET seq = seq WHERE id = $1 AND epoch = $2 AND (
        (seq = $3 AND tail = $4)
        OR EXISTS (SELECT 1 FROM events WHERE room = $1 AND seq = $3 AND tail = $4)
    )
"""
_STILL_THERE = "UPDATE sessions SET room = room WHERE id = $1"
_KEEP_SNAPSHOT = """
    INSERT INTO snapshots (session, room, seq, tail, payload, words) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (session) DO UPDATE SET
        seq = excluded.seq, tail = excluded.tail, payload = excluded.payload, words = excluded.words
    WHERE snapshots.seq < excluded.seq
"""
_TRIM = """
    DELETE FROM events
    WHERE session = $1 AND seq <= $2 AND seq <= (SELECT seq FROM snapshots WHERE session = $1)
"""

# The key first: should a database ever carry this out in pieces, what is left cannot be read.
_DESTROY = (
    "DELETE FROM sessions WHERE id = $1",
    "DELETE FROM events WHERE session = $1",
    "DELETE FROM snapshots WHERE session = $1",
    "DELETE FROM tickets WHERE session = $1",
    "DELETE FROM codes WHERE invitation IN (SELECT hash FROM invitations WHERE session = $1)",
    "UPDATE rooms SET session = NULL, ground = seq, ground_tail = tail WHERE session = $1",
)
_OVER = "UPDATE invitations SET over_at = COALESCE(over_at, $2), sealed = $3 WHERE session = $1"
_GO_WITH_THE_LAST_SESSION = (
    """DELETE FROM rooms WHERE id = $1 AND sealed IS NULL
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.room = rooms.id)""",
    "DELETE FROM members WHERE room = $1 AND NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.id = members.room)",
)

_SESSION = "room, id AS session, practice, account, made_at, planned_at, opened_at, ended_at"

HEADS_AT_ONCE = 500

_event_decoder = msgspec.json.Decoder(cast(type[Event], Event))
_room_decoder = msgspec.json.Decoder(Room)


class SqlStore:
    """The rooms' one order, in a database. `keys` are the sessions' keys, for others who seal something under them."""

    def __init__(self, database: Log, vault: Vault, new_id: NewId) -> None:
        self._database = database
        self._new_id = new_id
        self.keys = SessionKeys(database, vault)

    async def create(self, room: str, at: int) -> Position:
        epoch = self._new_id()
        sql = "INSERT INTO rooms (id, epoch, seq, tail, created_at) VALUES ($1, $2, 0, '', $3)"
        await self._database.write(Statement(sql, (room, epoch, at), rows=1))
        return Position(epoch, 0, "")

    async def prepare(self, new: NewSession) -> None:
        key = self.keys.new(new.room, new.session)
        sql = (
            "INSERT INTO sessions (id, room, key, practice, account, made_at, planned_at) "
            "SELECT $1, id, $3, $4, $5, $6, $7 FROM rooms WHERE id = $2"
        )
        values = (new.session, new.room, key, int(new.practice), new.account, new.made_at, new.planned_at)
        await self._database.write(Statement(sql, values, rows=1))

    async def append(
        self, room: str, session: str, after: Position, events: Sequence[Recorded]
    ) -> Appended | Missed | Diverged:
        must_follow(after, events)
        key = await self.keys.of(session)
        if key is None:
            return Diverged()
        rows = tuple(_sealed_event(key, room, recorded) for recorded in events)
        opened = [recorded.event.at for recorded in events if isinstance(recorded.event, SessionOpened)]
        ended = [recorded.event.at for recorded in events if isinstance(recorded.event, SessionEnded)]
        entry = Entry(room, session, after, rows, opened[-1] if opened else None, ended[-1] if ended else None)
        if await self._database.append(entry):
            return Appended()
        # None: the room came back to `after` between the two questions (a restore). What is known of it may be wrong.
        return await self.after(room, after) or Diverged()

    async def load(self, room: str) -> Kept | None:
        parts = await self._database.read(_LOAD, room)
        if not parts:
            return None
        head, ground = _head(parts[0]), parts[1]
        session = parts[0]["session"]
        key = await self.keys.of(str(session)) if session is not None else None
        if key is None:
            # Nothing is left of a session that has been destroyed, be it between the two questions.
            return Kept(Room(room, head.epoch, head.seq, head.tail))
        kept = [_opened_snapshot(key, room, row) for row in parts if row["part"] == 2]
        if kept:
            start, words = msgspec.structs.replace(kept[0][0], epoch=head.epoch), kept[0][1]
        else:
            start, words = Room(room, head.epoch, _int(ground["seq"]), str(ground["tail"])), b""
        events = [_opened_event(key, room, row) for row in parts if row["part"] == 3]
        if len(events) != head.seq - start.seq:
            raise Tampered(f"events of room {room} are not all there")
        return Kept(replay(start, events), words, _written(events))

    async def after(self, room: str, position: Position) -> Missed | Diverged | None:
        parts = await self._database.read(_AFTER, room, position.seq)
        if not parts:
            return Diverged()
        head = _head(parts[0])
        known = [Position(head.epoch, _int(row["seq"]), str(row["tail"])) for row in parts if row["part"] in (1, 2)]
        log: list[Recorded] = []
        for row in parts:
            if row["part"] == 3:
                key = await self.keys.of(str(row["session"]))
                if key is None:
                    return Diverged()
                log.append(_opened_event(key, room, row))
        return since(position, head, known, log)

    async def heads(self, rooms: Iterable[str]) -> Mapping[str, Position]:
        wanted = list(rooms)
        heads: dict[str, Position] = {}
        for start in range(0, len(wanted), HEADS_AT_ONCE):
            some = wanted[start : start + HEADS_AT_ONCE]
            places = ", ".join(f"${number}" for number in range(1, len(some) + 1))
            rows = await self._database.read(f"SELECT id, epoch, seq, tail FROM rooms WHERE id IN ({places})", *some)
            heads.update((str(row["id"]), _head(row)) for row in rows)
        return heads

    async def snapshot(self, room: Room, trim_to: int, words: bytes) -> None:
        session = room.session.id if room.session is not None else ""
        key = await self.keys.of(session)
        if key is None:
            return
        sealed = _sealed_snapshot(key, room, words)
        try:
            await self._database.write(
                Statement(_IN_ITS_PAST, (room.id, room.epoch, room.seq, room.tail), rows=1),
                Statement(_STILL_THERE, (session,), rows=1),
                Statement(_KEEP_SNAPSHOT, (session, room.id, room.seq, room.tail, *sealed)),
                Statement(_TRIM, (session, trim_to)),
            )
        except Conflict:
            return  # Not in the room's past (any more): there is nothing to keep it for.

    async def closed(self, session: str) -> Kept | None:
        parts = await self._database.read(_CLOSED, session)
        key = await self.keys.of(session) if parts and parts[0]["part"] == 0 else None
        if key is None:
            return None
        room, epoch = str(parts[0]["room"]), str(parts[0]["epoch"])
        kept = [_opened_snapshot(key, room, row) for row in parts if row["part"] == 2]
        events = [_opened_event(key, room, row) for row in parts if row["part"] == 3]
        # Before its first event there is nothing of a session: all that counts of the start is its number.
        start, words = kept[0] if kept else (Room(room, epoch, events[0].seq - 1), b"")
        return Kept(replay(msgspec.structs.replace(start, epoch=epoch), events), words, _written(events))

    async def session(self, session: str) -> SessionRow | None:
        rows = await self._database.read(f"SELECT {_SESSION} FROM sessions WHERE id = $1", session)
        return msgspec.convert(rows[0], SessionRow, strict=False) if rows else None

    async def call_off(self, session: str, at: int) -> None:
        sql = "UPDATE sessions SET ended_at = $1 WHERE id = $2 AND opened_at IS NULL AND ended_at IS NULL"
        await self._database.write(Statement(sql, (at, session)))

    async def sessions(self, room: str | None = None) -> Sequence[SessionRow]:
        rows = await self._database.read(
            f"SELECT {_SESSION} FROM sessions WHERE CAST($1 AS TEXT) IS NULL OR room = $1 ORDER BY made_at, id",
            room,
        )
        return [msgspec.convert(row, SessionRow, strict=False) for row in rows]

    async def destroy(self, session: str, at: int) -> None:
        rows = await self._database.read("SELECT room FROM sessions WHERE id = $1", session)
        self.keys.forget(session)  # First: an answer that comes too late must not leave the key in memory.
        statements = [Statement(sql, (session,)) for sql in _DESTROY]
        statements.append(Statement(_OVER, (session, at, b"")))
        for row in rows:
            statements += [Statement(sql, (row["room"],)) for sql in _GO_WITH_THE_LAST_SESSION]
        await self._database.erase(*statements)
        self.keys.forget(session)  # Again: somebody may have read it meanwhile.


def _sealed_event(key: Seal, room: str, recorded: Recorded) -> EventRow:
    stamp = recorded.stamp
    win, number = (stamp.window, stamp.number) if stamp else (None, None)
    payload = key.seal(msgspec.json.encode(recorded.event), *_place(room, recorded.seq, recorded.tail, win, number))
    kind = str(recorded.event.__struct_config__.tag)
    return EventRow(recorded.seq, recorded.tail, kind, win, number, payload)


def _opened_event(key: Seal, room: str, row: Row) -> Recorded:
    seq, tail = _int(row["seq"]), str(row["tail"])
    win, number = cast(str | None, row["win"]), cast(int | None, row["number"])
    event = _event_decoder.decode(key.open(cast(bytes, row["payload"]), *_place(room, seq, tail, win, number)))
    return Recorded(seq, tail, event, Stamp(win, number) if win is not None and number is not None else None)


def _place(room: str, seq: int, tail: str, win: str | None, number: int | None) -> tuple[str | int, ...]:
    """Everything that stands beside an event in clear is bound to it: nothing of the row can be changed or moved."""
    return "events", room, seq, tail, win or "", number or 0


def _sealed_snapshot(key: Seal, room: Room, words: bytes) -> tuple[bytes, bytes]:
    place = (room.id, room.seq, room.tail)
    return (
        key.seal(msgspec.json.encode(room), "snapshots", *place),
        key.seal(words, "snapshots", "words", *place),
    )


def _opened_snapshot(key: Seal, room: str, row: Row) -> tuple[Room, bytes]:
    """The room of a snapshot, and the words of its notes."""
    place = (room, _int(row["seq"]), str(row["tail"]))
    payload = key.open(cast(bytes, row["payload"]), "snapshots", *place)
    words = row["words"]  # NULL: made before there were notes.
    opened = b"" if words is None else key.open(cast(bytes, words), "snapshots", "words", *place)
    return _room_decoder.decode(payload), opened


def _written(events: Iterable[Recorded]) -> tuple[bytes, ...]:
    return tuple(recorded.event.update for recorded in events if isinstance(recorded.event, NotesWritten))


def _head(row: Row) -> Position:
    return Position(str(row["epoch"]), _int(row["seq"]), str(row["tail"]))


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
