"""A ticket is a right to be in one session from one device: an address `/s/<id>` and two cookies named after it.

It is made when somebody knocks at the door, and waits until it is admitted ([DR1]). Both cookies are needed. One is out
of reach of scripts; the other may be deleted by the page itself, so that *Leave now* works in the same moment, whatever
the network does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from rooms.events import Role
from server.identity.sealing import Seal, SessionKeys
from server.identity.teams import ROOMS_OF
from server.identity.tokens import digest, is_token_of, new_token
from server.ports import Clock, Conflict, Database, NewId, Row, Statement, StoreUnavailable, Value

WAITING_AT_ONCE = 20
"""Tickets that may wait for one session: whoever has its link could make any number."""
SENTENCE_LETTERS = 200
DEVICE_KEY_BYTES = 32

_COLUMNS = (
    "id, room, session, participant, role, secret_hash, here_hash, created_at, admitted_at, ended_at, ended_why, "
    "invitation, account, sign_in, sealed, device_key"
)

# In the statement that makes the ticket: many may knock at one moment, and the session may be destroyed in it.
_IF_THERE_IS_ROOM = (
    "WHERE EXISTS (SELECT 1 FROM sessions WHERE id = $3) AND (SELECT COUNT(*) FROM tickets "
    f"WHERE session = $3 AND admitted_at IS NULL AND ended_at IS NULL) < {WAITING_AT_ONCE}"
)

_AT_THE_DOOR_OF = (
    f"FROM tickets WHERE admitted_at IS NULL AND ended_at IS NULL AND room IN ({ROOMS_OF}) "
    "AND session IN (SELECT id FROM sessions WHERE ended_at IS NULL)"
)
_GOING_ON = "SELECT id FROM sessions WHERE opened_at IS NOT NULL AND ended_at IS NULL"


SIGNED_IN_FOR = 12 * 3600 * 1000
"""Milliseconds for which a sign-in lasts: a long working day. The tickets that are given under it last no longer."""


class State(StrEnum):
    """How far a ticket has come. The last three are its ends ([DR5])."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    LEFT = "left"
    TURNED_AWAY = "turned_away"
    REMOVED = "removed"


class Ticket(msgspec.Struct, frozen=True):
    """What the house knows of a ticket.

    `participant`: who they are, or will be when they are admitted. `account` and `sign_in`: whose it is, and the hash
    of the sign-in that it was given under, when it is staff's. `at`: when it was made, in milliseconds since 1970, UTC.
    """

    id: str
    room: str
    session: str
    participant: str
    role: Role
    state: State
    at: int
    invitation: str | None = None
    account: str | None = None
    sign_in: str | None = None

    @property
    def ended(self) -> bool:
        """It opens nothing any more."""
        return self.state not in (State.WAITING, State.ADMITTED)


class NewTicket(msgspec.Struct, frozen=True):
    """A ticket just made, with the two secrets that only its device will hold."""

    ticket: Ticket
    secret: str
    here: str

    def __repr__(self) -> str:
        return f"NewTicket({self.ticket.id})"

    @property
    def hashes(self) -> tuple[str, str]:
        return digest(self.secret), digest(self.here)


class Arrival(msgspec.Struct, frozen=True):
    """Somebody at the door: the name they gave, and what the worker has written to them."""

    ticket: Ticket
    name: str
    sentence: str = ""

    def __repr__(self) -> str:
        return f"Arrival({self.ticket.id})"


class _Sealed(msgspec.Struct, frozen=True):
    name: str
    sentence: str = ""


def secret_cookie(ticket: str) -> str:
    """Name of the cookie that no script can read."""
    return f"copage_{ticket}"


def here_cookie(ticket: str) -> str:
    """Name of the cookie that the page's script may delete."""
    return f"copage_here_{ticket}"


class Tickets:
    """The tickets of all rooms."""

    def __init__(self, database: Database, keys: SessionKeys, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._new_id = new_id

    # --- making ---

    async def create(
        self,
        room: str,
        session: str,
        participant: str,
        role: Role,
        account: str | None = None,
        sign_in: str | None = None,
        *still: Statement,
    ) -> NewTicket:
        """A ticket for a participant who needs no admission: a worker of the team, both in practice.

        Args:
            still: has to fit, in the same transaction.

        Raises:
            Conflict: a statement in `still` did not fit, or the session is gone. There is no ticket.
        """
        ticket = Ticket(
            self._new_id(),
            room,
            session,
            participant,
            role,
            State.ADMITTED,
            self._clock.wall(),
            account=account,
            sign_in=sign_in,
        )
        new = NewTicket(ticket, new_token(), new_token())
        key = await self._keys.of(session)
        if key is None:
            raise Conflict("the session is gone")
        await self._database.write(*still, _creating(new, ticket.at, None, _device_key(key, ticket.id)))
        return new

    async def arrive(
        self, room: str, session: str, role: Role, invitation: str, name: str, *still: Statement
    ) -> NewTicket | None:
        """A ticket that waits, for somebody who knocks; None when too many wait already, the session is gone, or a
        statement in `still` did not fit.

        Args:
            invitation: the stored hash of the link that they came by.
            name: as it will be shown (`clean_name`).
            still: has to fit, in the same transaction.
        """
        ticket = Ticket(
            self._new_id(), room, session, self._new_id(), role, State.WAITING, self._clock.wall(), invitation
        )
        key = await self._keys.of(session)
        if key is None:
            return None
        new = NewTicket(ticket, new_token(), new_token())
        sealed = key.seal(msgspec.json.encode(_Sealed(name)), "tickets", ticket.id)
        try:
            await self._database.write(
                *still, _creating(new, None, sealed, _device_key(key, ticket.id), _IF_THERE_IS_ROOM)
            )
        except Conflict:
            return None
        return new

    # --- what a device holds ---

    async def find(self, ticket_id: str, cookies: Mapping[str, str]) -> Ticket | None:
        """The ticket if this device holds both of its secrets, also while it waits and when it has ended."""
        row = await self._row(ticket_id)
        # Compared also when there is no such ticket: that must take as long as one that is somebody else's.
        here = is_token_of(cookies.get(here_cookie(ticket_id)), str(row["here_hash"]) if row else None)
        held = _if_held(ticket_id, row, cookies)
        return held if here else None

    async def check(self, ticket_id: str, cookies: Mapping[str, str]) -> Ticket | None:
        """The ticket if this device holds both of its secrets and it is admitted: what sockets ask."""
        ticket = await self.find(ticket_id, cookies)
        return ticket if ticket is not None and ticket.state is State.ADMITTED else None

    async def held(self, ticket_id: str, cookies: Mapping[str, str]) -> Ticket | None:
        """The ticket by the one cookie that scripts cannot delete.

        Good for nothing but leaving: the page has deleted the other one by then.
        """
        return _if_held(ticket_id, await self._row(ticket_id), cookies)

    async def device_key(self, ticket: Ticket) -> bytes | None:
        """The 32 bytes under which the ticket's device may keep words that it could not send yet. None when the ticket
        or its session has ended, and for one that is older than the notes: then nothing can be kept."""
        row, key = await self._row(ticket.id), await self._keys.of(ticket.session)
        if row is None or key is None or row["device_key"] is None:
            return None
        return key.open(_bytes(row["device_key"]), "tickets", "device_key", ticket.id)

    # --- at the door ---

    async def arrivals(self, session: str) -> Sequence[Arrival]:
        """Who waits to be let in, who came first first."""
        key = await self._keys.of(session)
        return () if key is None else [_arrival(key, row) for row in await self._waiting(session)]

    async def arrivals_at(self, account: str) -> Sequence[Arrival]:
        """Who waits at any of the rooms whose team an account is in, who came first first."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS} {_AT_THE_DOOR_OF} ORDER BY created_at, id", account, self._clock.wall()
        )
        keys = {session: await self._keys.of(session) for session in {str(row["session"]) for row in rows}}
        return [_arrival(key, row) for row in rows if (key := keys[str(row["session"])]) is not None]

    async def waiting_at(self, account: str) -> int:
        """How many they are, and nothing about them."""
        rows = await self._database.read(f"SELECT COUNT(*) AS many {_AT_THE_DOOR_OF}", account, self._clock.wall())
        many = rows[0]["many"]
        assert isinstance(many, int)
        return many

    async def arrival(self, ticket: Ticket) -> Arrival | None:
        """What is known of one who came by the door, also after they were let in; None when the session is gone."""
        row, key = await self._row(ticket.id), await self._keys.of(ticket.session)
        if row is None or key is None or row["sealed"] is None:
            return None
        return _arrival(key, row)

    async def write_to(self, arrival: Arrival, sentence: str) -> None:
        """Send a sentence to somebody who waits, in the place of the one before. Nothing comes of it when they do not
        wait any more."""
        key = await self._keys.of(arrival.ticket.session)
        if key is None:
            return
        sealed = key.seal(msgspec.json.encode(_Sealed(arrival.name, sentence)), "tickets", arrival.ticket.id)
        await self._database.write(
            Statement(
                "UPDATE tickets SET sealed = $1 WHERE id = $2 AND admitted_at IS NULL AND ended_at IS NULL",
                (sealed, arrival.ticket.id),
            )
        )

    async def admit(self, ticket: Ticket, participant: str, using: Statement) -> bool:
        """Let a waiting device in as `participant`. False when it does not wait any more or its link has been used.
        Who else waits by the same link is turned away: it is this one's now.

        Args:
            using: what uses the link up, in the same transaction ([DR2]).
        """
        admitting = Statement(
            "UPDATE tickets SET admitted_at = $1, participant = $2 "
            "WHERE id = $3 AND admitted_at IS NULL AND ended_at IS NULL",
            (self._clock.wall(), participant, ticket.id),
            rows=1,
        )
        others = self._ending("admitted_at IS NULL AND invitation = $3", State.TURNED_AWAY, ticket.invitation or "")
        try:
            await self._database.write(using, admitting, others)
        except Conflict:
            return False
        return True

    # --- ends ---

    async def end(self, ticket_id: str, why: State) -> None:
        """End one ticket, for good. One that has ended already keeps its reason."""
        await self._database.write(self._ending("id = $3", why, ticket_id))

    async def end_participant(self, room: str, participant: str, why: State = State.LEFT) -> None:
        """End all tickets of a participant, on whatever device."""
        await self._database.write(self._ending("room = $3 AND participant = $4", why, room, participant))

    async def end_account(self, account: str, room: str | None = None) -> Sequence[Ticket]:
        """Put all devices of an account out, of one room if it is named. Gives its tickets for sessions that go on,
        those ended before too."""
        if room is None:
            return await self._end_staff("account = {}", account)
        return await self._end_staff("account = {} AND room = {}", account, room)

    async def end_sign_in(self, sign_in: str) -> Sequence[Ticket]:
        """Put out the devices that were given their ticket under one sign-in, by its hash. Gives what `end_account`
        gives."""
        return await self._end_staff("sign_in = {}", sign_in)

    async def removed(self) -> Sequence[Ticket]:
        """The tickets for sessions that go on whose devices were put out."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS} FROM tickets WHERE ended_why = 'removed' AND session IN ({_GOING_ON})"
        )
        return [_ticket(row) for row in rows]

    async def end_those_without_right(self) -> None:
        """End the tickets of staff whose sign-in, or whose time in the room's team, is over."""
        in_the_team = (
            "SELECT 1 FROM members WHERE members.room = tickets.room AND members.account = tickets.account "
            "AND from_at <= $1 AND (to_at IS NULL OR to_at > $1)"
        )
        signed_in = "SELECT 1 FROM staff_sessions WHERE staff_sessions.hash = tickets.sign_in AND created_at > $3"
        now = self._clock.wall()
        await self._database.write(
            Statement(
                "UPDATE tickets SET ended_at = $1, ended_why = $2, device_key = NULL "
                "WHERE account IS NOT NULL AND ended_at IS NULL "
                f"AND (NOT EXISTS ({in_the_team}) OR NOT EXISTS ({signed_in}))",
                (now, State.REMOVED.value, now - SIGNED_IN_FOR),
            )
        )

    async def turn_away(self, ticket_id: str) -> None:
        """End a ticket that waits. One that has been let in in this very moment is in."""
        await self._database.write(self._ending("id = $3 AND admitted_at IS NULL", State.TURNED_AWAY, ticket_id))

    async def stop_waiting(self, ticket_id: str) -> bool:
        """Somebody who waits goes. False, and nothing has come of it, when they do not wait any more."""
        await self._database.write(self._ending("id = $3 AND admitted_at IS NULL", State.LEFT, ticket_id))
        row = await self._row(ticket_id)
        return row is None or row["admitted_at"] is None

    async def _end_staff(self, which: str, *values: str) -> Sequence[Ticket]:
        await self._database.write(self._ending(which.format("$3", "$4"), State.REMOVED, *values))
        rows = await self._database.read(
            f"SELECT {_COLUMNS} FROM tickets WHERE {which.format('$1', '$2')} AND session IN ({_GOING_ON})",
            *values,
        )
        return [_ticket(row) for row in rows]

    def _ending(self, which: str, why: State, *values: str) -> Statement:
        return _ending(self._clock.wall(), which, why, *values)

    # --- lists ---

    async def of_session(self, session: str) -> Sequence[Ticket]:
        """The tickets of a session, oldest first."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS} FROM tickets WHERE session = $1 ORDER BY created_at, id", session
        )
        return [_ticket(row) for row in rows]

    async def get(self, ticket_id: str) -> Ticket | None:
        """A ticket by its id alone: for the desk, which holds none of its secrets."""
        row = await self._row(ticket_id)
        return None if row is None else _ticket(row)

    async def _waiting(self, session: str) -> Sequence[Row]:
        return await self._database.read(
            f"SELECT {_COLUMNS} FROM tickets "
            "WHERE session = $1 AND admitted_at IS NULL AND ended_at IS NULL ORDER BY created_at, id",
            session,
        )

    async def _row(self, ticket_id: str) -> Row | None:
        rows = await self._database.read(f"SELECT {_COLUMNS} FROM tickets WHERE id = $1", ticket_id)
        return rows[0] if rows else None


def tickets_of_account_end(account: str, now: int, but: str = "") -> Statement:
    """The statement that ends all tickets of an account, but those given under the sign-in of the hash `but`: for the
    transaction of whatever ends its rights, so that nothing comes between. `now`: milliseconds since 1970, UTC."""
    return _ending(now, "account = $3 AND COALESCE(sign_in, '') <> $4", State.REMOVED, account, but or "none")


def tickets_of_sign_in_end(hashed: str, now: int) -> Statement:
    """The same for one sign-in."""
    return _ending(now, "sign_in = $3", State.REMOVED, hashed)


def _ending(now: int, which: str, why: State, *values: str) -> Statement:
    """`which`: a condition with `$3`, `$4`… for `values`."""
    sql = f"UPDATE tickets SET ended_at = $1, ended_why = $2, device_key = NULL WHERE {which} AND ended_at IS NULL"
    return Statement(sql, (now, why.value, *values))


def _device_key(key: Seal, ticket: str) -> bytes:
    return key.seal(os.urandom(DEVICE_KEY_BYTES), "tickets", "device_key", ticket)


def _creating(
    new: NewTicket, admitted_at: int | None, sealed: bytes | None, device_key: bytes, only_if: str = ""
) -> Statement:
    made = new.ticket
    values: tuple[Value, ...] = (
        *(made.id, made.room, made.session, made.participant, made.role.value, *new.hashes, made.at),
        *(admitted_at, None, None, made.invitation, made.account, made.sign_in, sealed, device_key),
    )
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return Statement(f"INSERT INTO tickets ({_COLUMNS}) SELECT {places} {only_if}", values, rows=1)


def _if_held(ticket_id: str, row: Row | None, cookies: Mapping[str, str]) -> Ticket | None:
    held = is_token_of(cookies.get(secret_cookie(ticket_id)), str(row["secret_hash"]) if row else None)
    return _ticket(row) if row is not None and held else None


def _ticket(row: Row) -> Ticket:
    if row["ended_at"] is not None:
        state = State(str(row["ended_why"] or State.LEFT))
    else:
        state = State.WAITING if row["admitted_at"] is None else State.ADMITTED
    at = row["created_at"]
    assert isinstance(at, int)
    return Ticket(
        id=str(row["id"]),
        room=str(row["room"]),
        session=str(row["session"]),
        participant=str(row["participant"]),
        role=Role(str(row["role"])),
        state=state,
        at=at,
        invitation=_text(row["invitation"]),
        account=_text(row["account"]),
        sign_in=_text(row["sign_in"]),
    )


def _arrival(key: Seal, row: Row) -> Arrival:
    opened = msgspec.json.decode(key.open(_bytes(row["sealed"]), "tickets", str(row["id"])), type=_Sealed)
    return Arrival(_ticket(row), opened.name, opened.sentence)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise StoreUnavailable("a ticket without its name")
    return value
