"""Whose room it is: the team of each room, and what staff call it. To everybody else the room does not exist."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rooms.names import clean_name
from server.identity.sealing import RoomSeal
from server.ports import Clock, Database, Row, Statement, Value

EMPTY_FOR = 24 * 3600 * 1000
"""Milliseconds for which a room without label and session is left alone."""

_MEMBERS_OF_NOTHING = Statement("DELETE FROM members WHERE room NOT IN (SELECT id FROM rooms)")
_LAST_USED_FIRST = "ORDER BY COALESCE(last_at, created_at) DESC, id"
ROOMS_OF = "SELECT room FROM members WHERE account = $1 AND from_at <= $2 AND (to_at IS NULL OR to_at > $2)"
"""The rooms whose team the account `$1` is in at `$2` (milliseconds since 1970, UTC)."""


class TeamRoom(msgspec.Struct, frozen=True):
    """A room as its team sees it on the desk. `label` is empty while nobody has given it one; `open`: a session goes on
    in it. Times are milliseconds since 1970, UTC: of the last session that was opened, and of the next one that is
    planned."""

    id: str
    label: str
    open: bool
    last_at: int | None
    next_at: int | None

    def __repr__(self) -> str:
        return f"TeamRoom({self.id})"


class Member(msgspec.Struct, frozen=True):
    """From when until when somebody is in a team (milliseconds since 1970, UTC); `to_at` is None while there is no
    end."""

    account: str
    lead: bool
    from_at: int
    to_at: int | None


class LastMember(Exception):
    """A room needs somebody in its team who leads it. Nothing was changed."""


class Teams:
    """The teams and labels of all rooms."""

    def __init__(self, database: Database, vault: RoomSeal, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    # --- who may see a room ---

    async def rooms_of(self, account: str) -> Sequence[TeamRoom]:
        """The rooms whose team an account is in now: open ones first, then those used last."""
        rows = await self._database.read(
            f"SELECT {_columns('$2')} FROM rooms WHERE id IN ({ROOMS_OF}) {_LAST_USED_FIRST}",
            account,
            self._clock.wall(),
        )
        return sorted((self._room(row) for row in rows), key=lambda room: not room.open)

    async def all_rooms(self) -> Sequence[TeamRoom]:
        """Every room that has a team, those used last first: for the admin."""
        rows = await self._database.read(
            f"SELECT {_columns('$1')} FROM rooms WHERE id IN (SELECT room FROM members) {_LAST_USED_FIRST}",
            self._clock.wall(),
        )
        return [self._room(row) for row in rows]

    async def room_of(self, room: str, account: str) -> TeamRoom | None:
        """The room if the account is in its team now; None otherwise, be there such a room or not."""
        rows = await self._database.read(
            f"SELECT {_columns('$2')} FROM rooms WHERE id = $3 AND id IN ({ROOMS_OF})",
            account,
            self._clock.wall(),
            room,
        )
        return self._room(rows[0]) if rows else None

    async def get(self, room: str) -> TeamRoom | None:
        """A room, whoever asks."""
        rows = await self._database.read(f"SELECT {_columns('$2')} FROM rooms WHERE id = $1", room, self._clock.wall())
        return self._room(rows[0]) if rows else None

    def still_member(self, room: str, account: str) -> Statement:
        """Fits while the account is in the room's team: for the transaction of a ticket that is given for that."""
        return Statement(
            "UPDATE members SET lead = lead "
            "WHERE room = $1 AND account = $2 AND from_at <= $3 AND (to_at IS NULL OR to_at > $3)",
            (room, account, self._clock.wall()),
            rows=1,
        )

    # --- labels ---

    async def name_room(self, room: str, label: str) -> bool:
        """Give a room a label, so that it lasts ([SE7]). False, and nothing changed, when nobody could read it."""
        cleaned = clean_name(label)
        if cleaned is None:
            return False
        rows = await self._database.read("SELECT key FROM rooms WHERE id = $1", room)
        for row in rows:
            wrapped = row["key"]
            if isinstance(wrapped, bytes):
                key = self._vault.unwrap_room(wrapped, room)
            else:
                key, wrapped = self._vault.new_room_key(room)
            sealed = key.seal(cleaned.encode(), "rooms", room)
            naming = "UPDATE rooms SET key = $1, sealed = $2 WHERE id = $3"
            await self._database.write(Statement(naming, (wrapped, sealed, room)))
        return bool(rows)

    async def let_go(self, room: str) -> None:
        """Take the label away: the room goes with its last session, or at once if it has none."""
        await self._database.erase(
            Statement("UPDATE rooms SET key = NULL, sealed = NULL WHERE id = $1", (room,)),
            Statement("DELETE FROM rooms WHERE id = $1 AND id NOT IN (SELECT room FROM sessions)", (room,)),
            _MEMBERS_OF_NOTHING,
        )

    async def forget_empty(self) -> None:
        """Delete the rooms of which nothing came: the server died between making the room and its first session."""
        deleting = (
            "DELETE FROM rooms WHERE sealed IS NULL AND created_at < $1 AND id NOT IN (SELECT room FROM sessions)"
        )
        await self._database.write(
            Statement(deleting, (self._clock.wall() - EMPTY_FOR,)),
            _MEMBERS_OF_NOTHING,
        )

    # --- members ---

    async def members(self, room: str) -> Sequence[Member]:
        """Everybody who is or was in the team of a room, in the order they came."""
        rows = await self._database.read(
            "SELECT account, lead, from_at, to_at FROM members WHERE room = $1 ORDER BY from_at, account", room
        )
        return [msgspec.convert(row, Member, strict=False) for row in rows]

    async def current(self, room: str) -> Sequence[Member]:
        """Who is in the team now."""
        return [each for each in await self.not_over(room) if each.from_at <= self._clock.wall()]

    async def not_over(self, room: str) -> Sequence[Member]:
        """Who is in the team now or will be."""
        now = self._clock.wall()
        return [each for each in await self.members(room) if each.to_at is None or each.to_at > now]

    async def add(
        self, room: str, account: str, from_at: int | None = None, to_at: int | None = None, *, lead: bool = False
    ) -> None:
        """Have an account in the team. Who is in it already stays so, until `to_at`.

        Args:
            from_at: since when, in milliseconds since 1970, UTC; None for now.
            to_at: until when; None for no end.
        """
        now = self._clock.wall()
        of_account = "room = $1 AND account = $2"
        current = f"{of_account} AND from_at <= $3 AND (to_at IS NULL OR to_at > $3)"
        await self._database.write(
            Statement(f"DELETE FROM members WHERE {of_account} AND from_at > $3", (room, account, now)),
            Statement(f"UPDATE members SET to_at = $4 WHERE {current}", (room, account, now, to_at)),
            Statement(
                "INSERT INTO members (room, account, lead, from_at, to_at) SELECT $1, $2, $5, $6, $4 "
                f"WHERE NOT EXISTS (SELECT 1 FROM members WHERE {current}) "
                "ON CONFLICT (room, account, from_at) DO UPDATE SET to_at = excluded.to_at",
                (room, account, now, to_at, int(lead), from_at or now),
            ),
        )

    async def remove(self, room: str, account: str) -> None:
        """Have an account in the team no longer. Harmless when it is not in it.

        Raises:
            LastMember: it leads the team. Another one has to before.
        """
        removing = (
            "UPDATE members SET to_at = $1 "
            "WHERE room = $2 AND account = $3 AND (to_at IS NULL OR to_at > $1) AND lead = 0"
        )
        await self._database.write(Statement(removing, (self._clock.wall(), room, account)))
        if account in [member.account for member in await self.not_over(room)]:
            raise LastMember

    async def lead(self, room: str, account: str) -> None:
        """Make somebody who is in the team its lead, in the place of who was. Who leads it stays without an end."""
        current = "room = $2 AND from_at <= $3 AND (to_at IS NULL OR to_at > $3)"
        await self._database.write(
            Statement(
                "UPDATE members SET lead = CASE WHEN account = $1 THEN 1 ELSE 0 END, "
                "to_at = CASE WHEN account = $1 THEN NULL ELSE to_at END "
                f"WHERE {current} AND EXISTS (SELECT 1 FROM members WHERE account = $1 AND {current})",
                (account, room, self._clock.wall()),
            )
        )

    def _room(self, row: Row) -> TeamRoom:
        times = _number(row["last_at"]), _number(row["next_at"])
        return TeamRoom(str(row["id"]), self._label(row), bool(row["open"]), *times)

    def _label(self, row: Row) -> str:
        room, wrapped, sealed = str(row["id"]), row["key"], row["sealed"]
        if not isinstance(wrapped, bytes) or not isinstance(sealed, bytes):
            return ""
        return self._vault.unwrap_room(wrapped, room).open(sealed, "rooms", room).decode()


def _columns(now: str) -> str:
    """The columns that a `TeamRoom` is made of. `now`: the place of the present time among the values."""
    to_come = f"opened_at IS NULL AND ended_at IS NULL AND planned_at > {now}"
    going_on = "opened_at IS NOT NULL AND ended_at IS NULL"
    return (
        "id, key, sealed, last_at, "
        f"(SELECT MIN(planned_at) FROM sessions WHERE sessions.room = rooms.id AND {to_come}) AS next_at, "
        f"EXISTS (SELECT 1 FROM sessions WHERE sessions.room = rooms.id AND {going_on}) AS open"
    )


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) else None
