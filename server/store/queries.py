"""`Store` over SQL: what is asked, what is sealed, and what the rows mean. The SQL here is common to all databases."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

import msgspec

from rooms import Event, Position, Recorded, Room, Stamp, replay
from rooms.events import SessionEnded
from server.ports import (
    Appended,
    Conflict,
    Database,
    Diverged,
    Missed,
    NewId,
    NewRoom,
    OpenSessionRow,
    Row,
    Statement,
)
from server.store.past import must_follow, since
from server.store.problems import Tampered
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
    """One append as a database sees it. `ended_at`: the session ended with it, at this time."""

    room: str
    after: Position
    rows: tuple[EventRow, ...]
    ended_at: int | None = None

    @property
    def head(self) -> EventRow:
        """The last event: where the room will stand."""
        return self.rows[-1]


class Log(Database, Protocol):
    """A database that can also append. How that is quick and safe is different in each."""

    async def append(self, entry: Entry) -> bool:
        """Write `entry` durably if the room stands at `entry.after`; False, and nothing written, if it does not."""

    async def erase(self, *statements: Statement) -> None:
        """Like `write`, for deleting: what was there does not stay behind in files the database keeps for itself."""


# What one question sees is one moment: events, snapshot and head are asked for in a single statement.
_PARTS = """
    SELECT 0 AS part, seq, tail, epoch, NULL AS win, CAST(NULL AS BIGINT) AS number, NULL AS payload
    FROM rooms WHERE id = $1
    UNION ALL
    SELECT 1, seq, tail, NULL, NULL, NULL, {snapshot} FROM snapshots WHERE room = $1
    UNION ALL
    SELECT 2, seq, tail, NULL, win, number, payload FROM events WHERE room = $1 AND seq {newer}
    ORDER BY part, seq
"""
_LOAD = _PARTS.format(snapshot="payload", newer="> COALESCE((SELECT seq FROM snapshots WHERE room = $1), 0)")
_AFTER = _PARTS.format(snapshot="NULL", newer=">= $2")

_IN_ITS_PAST = """
    UPDATE rooms SET seq = seq WHERE id = $1 AND epoch = $2 AND (
        (seq = $3 AND tail = $4)
        OR EXISTS (SELECT 1 FROM events WHERE room = $1 AND seq = $3 AND tail = $4)
    )
"""
_KEEP_SNAPSHOT = """
    INSERT INTO snapshots (room, seq, tail, payload) VALUES ($1, $2, $3, $4)
    ON CONFLICT (room) DO UPDATE SET seq = excluded.seq, tail = excluded.tail, payload = excluded.payload
    WHERE snapshots.seq < excluded.seq
"""
_TRIM = "DELETE FROM events WHERE room = $1 AND seq <= $2 AND seq <= (SELECT seq FROM snapshots WHERE room = $1)"

# The key first: should a database ever carry this out in pieces, what is left cannot be read.
_DESTROY = (
    "DELETE FROM sessions WHERE room = $1",
    "DELETE FROM events WHERE room = $1",
    "DELETE FROM snapshots WHERE room = $1",
    "DELETE FROM tickets WHERE room = $1",
    "DELETE FROM invitations WHERE room = $1",
    "DELETE FROM rooms WHERE id = $1",
)

KEYS_REMEMBERED = 4096
HEADS_AT_ONCE = 500

_event_decoder = msgspec.json.Decoder(cast(type[Event], Event))
_room_decoder = msgspec.json.Decoder(Room)


class SqlStore:
    """The rooms' one order, in a database."""

    def __init__(self, database: Log, vault: Vault, new_id: NewId) -> None:
        self._database = database
        self._vault = vault
        self._new_id = new_id
        self._keys: OrderedDict[str, Seal] = OrderedDict()

    async def create(self, new: NewRoom) -> Position:
        key, wrapped = self._vault.new_key(new.room, new.session)
        epoch = self._new_id()
        await self._database.write(
            Statement("INSERT INTO rooms (id, epoch, seq, tail) VALUES ($1, $2, 0, '')", (new.room, epoch), rows=1),
            Statement(
                "INSERT INTO sessions (id, room, key, practice, account, opened_at) VALUES ($1, $2, $3, $4, $5, $6)",
                (new.session, new.room, wrapped, int(new.practice), new.account, new.at),
                rows=1,
            ),
        )
        self._remember(new.room, key)
        return Position(epoch, 0, "")

    async def append(self, room: str, after: Position, events: Sequence[Recorded]) -> Appended | Missed | Diverged:
        must_follow(after, events)
        key = await self._key(room)
        if key is None:
            return Diverged()
        rows = tuple(_sealed_event(key, room, recorded) for recorded in events)
        ended = [recorded.event.at for recorded in events if isinstance(recorded.event, SessionEnded)]
        if await self._database.append(Entry(room, after, rows, ended[-1] if ended else None)):
            return Appended()
        # None: the room came back to `after` between the two questions (a restore). What is known of it may be wrong.
        return await self.after(room, after) or Diverged()

    async def load(self, room: str) -> Room | None:
        key = await self._key(room)
        parts = await self._database.read(_LOAD, room) if key is not None else ()
        if key is None or not parts:
            self._gone(room)
            return None
        head = _head(parts[0])
        kept = [_opened_snapshot(key, room, row) for row in parts if row["part"] == 1]
        start = msgspec.structs.replace(kept[0], epoch=head.epoch) if kept else Room(room, head.epoch)
        events = [_opened_event(key, room, row) for row in parts if row["part"] == 2]
        if len(events) != head.seq - start.seq:
            raise Tampered(f"events of room {room} are not all there")
        return replay(start, events)

    async def after(self, room: str, position: Position) -> Missed | Diverged | None:
        key = await self._key(room)
        parts = await self._database.read(_AFTER, room, position.seq) if key is not None else ()
        if key is None or not parts:
            self._gone(room)
            return Diverged()
        head = _head(parts[0])
        snapshots = [Position(head.epoch, _int(row["seq"]), str(row["tail"])) for row in parts if row["part"] == 1]
        log = [_opened_event(key, room, row) for row in parts if row["part"] == 2]
        return since(position, head, snapshots[0] if snapshots else None, log)

    async def heads(self, rooms: Iterable[str]) -> Mapping[str, Position]:
        wanted = list(rooms)
        heads: dict[str, Position] = {}
        for start in range(0, len(wanted), HEADS_AT_ONCE):
            some = wanted[start : start + HEADS_AT_ONCE]
            places = ", ".join(f"${number}" for number in range(1, len(some) + 1))
            rows = await self._database.read(f"SELECT id, epoch, seq, tail FROM rooms WHERE id IN ({places})", *some)
            heads.update((str(row["id"]), _head(row)) for row in rows)
        return heads

    async def snapshot(self, room: Room, trim_to: int) -> None:
        key = await self._key(room.id)
        if key is None:
            return
        payload = _sealed_snapshot(key, room)
        try:
            await self._database.write(
                Statement(_IN_ITS_PAST, (room.id, room.epoch, room.seq, room.tail), rows=1),
                Statement(_KEEP_SNAPSHOT, (room.id, room.seq, room.tail, payload)),
                Statement(_TRIM, (room.id, trim_to)),
            )
        except Conflict:
            return  # Not in the room's past (any more): there is nothing to keep it for.

    async def sessions(self) -> Sequence[OpenSessionRow]:
        rows = await self._database.read(
            "SELECT room, id AS session, practice, account, opened_at, ended_at FROM sessions ORDER BY opened_at, id"
        )
        return [msgspec.convert(row, OpenSessionRow, strict=False) for row in rows]

    async def destroy(self, room: str) -> None:
        self._gone(room)  # First: an answer that comes too late must not leave the key in memory.
        await self._database.erase(*(Statement(sql, (room,)) for sql in _DESTROY))
        self._gone(room)  # Again: somebody may have read the room meanwhile.

    async def _key(self, room: str) -> Seal | None:
        """The key of the room's session. It never changes, so it is remembered until the session is destroyed."""
        key = self._keys.get(room)
        if key is not None:
            self._keys.move_to_end(room)
            return key
        rows = await self._database.read("SELECT id, key FROM sessions WHERE room = $1", room)
        if not rows:
            return None
        key = self._vault.unwrap(cast(bytes, rows[0]["key"]), room, str(rows[0]["id"]))
        self._remember(room, key)
        return key

    def _remember(self, room: str, key: Seal) -> None:
        self._keys[room] = key
        if len(self._keys) > KEYS_REMEMBERED:
            self._keys.popitem(last=False)

    def _gone(self, room: str) -> None:
        self._keys.pop(room, None)


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


def _sealed_snapshot(key: Seal, room: Room) -> bytes:
    return key.seal(msgspec.json.encode(room), "snapshots", room.id, room.seq, room.tail)


def _opened_snapshot(key: Seal, room: str, row: Row) -> Room:
    payload = key.open(cast(bytes, row["payload"]), "snapshots", room, _int(row["seq"]), str(row["tail"]))
    return _room_decoder.decode(payload)


def _head(row: Row) -> Position:
    return Position(str(row["epoch"]), _int(row["seq"]), str(row["tail"]))


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
