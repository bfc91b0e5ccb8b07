"""One open room: one task, one inbox, no locks.

A command's way, top to bottom: `put` into the inbox, `run` takes it out, `_carry_out` decides, appends and follows;
`_tell` sends the event to everybody who may see it. What other processes append comes in as a `Head`; `_catch_up` reads
it and takes the same last two steps.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
import structlog

from rooms import (
    Actor,
    Already,
    Command,
    Document,
    FromClock,
    Gap,
    OpenSession,
    Position,
    Recorded,
    Refusal,
    Room,
    Stamp,
    TurnPage,
    Write,
    decide,
    evolve,
    may_see,
    view_of,
    why_not,
    wire,
)
from rooms.events import (
    DeviceRemoved,
    Event,
    NotesWritten,
    PageTurned,
    ParticipantLeft,
    ParticipantRemoved,
    RemovedForGood,
    Role,
    SessionEnded,
    SessionOpened,
)
from rooms.limits import PASSING_PER_SECOND, WRITES_ON_FOR, TokenBucket
from rooms.pointers import Passing, Place, Point, Sees, Way
from rooms.presence import ANNOUNCE_EVERY, Here, PresenceBoard
from server.ports import (
    Appended,
    Audience,
    Bus,
    Clock,
    Diverged,
    Doorbell,
    HereOn,
    InPassing,
    Kept,
    Missed,
    NewId,
    Store,
    StoreUnavailable,
)

log = structlog.get_logger("room")

STORE_PATIENCE = 5.0
"""Seconds after which an append counts as unknown."""
TRIES = 8
"""Decisions of one command before it is answered `again`: each try lost to another process."""
SNAPSHOT_EVERY = 64
KEPT_FOR = 600.0
"""Seconds for which events stay in the log after they are in a snapshot: what brings people back exactly."""
CLOSE_AFTER = KEPT_FOR + 60.0
"""Seconds for which a room that nobody uses stays open in this process: until all of its log has become old."""
CONNECTIONS_PER_PARTICIPANT = 16
AGAIN_HOLDS = 6.0
"""Seconds for which later numbers wait for one that was answered `again` ([WN6])."""

ALONG = Way()

ENDS_FOR_SOMEBODY = (ParticipantLeft, ParticipantRemoved, DeviceRemoved, SessionEnded)
"""Events after which somebody gets nothing more."""


class Seat(msgspec.Struct, frozen=True):
    """Whose connection it is: taken from the ticket, never from a message."""

    room: str
    participant: str
    ticket: str


@dataclass(slots=True)
class _Member:
    """One connection, as its room sees it."""

    seat: Seat
    window: str
    way: Way
    passing: TokenBucket
    """How much it may say in passing."""
    again_from: int | None = None
    again_until: float = 0.0


@dataclass(slots=True)
class _Keeping:
    """How much of a room is in its snapshot, and which events have had their time ([OR7]).

    No time stands beside an event, so the number that the room had comes to is noted once a minute. What an earlier
    process had done is not known: the first snapshot comes a little sooner than it had to.
    """

    snapshot: int = 0
    trimmed: int = 0
    at_once: bool = False
    """Something was removed for good: no event may tell of it any more."""
    marks: deque[tuple[float, int]] = field(default_factory=deque)

    def due(self, seq: int, ended: bool, now: float) -> int | None:
        """Up to which number events can go, if a snapshot is due; of an ended session all. `now` is in seconds."""
        if not self.marks or now - self.marks[-1][0] >= KEPT_FOR / 10:
            self.marks.append((now, seq))
        old = seq if ended or self.at_once else self.trimmed
        while now - self.marks[0][0] > KEPT_FOR:
            old = max(old, self.marks.popleft()[1])
            if not self.marks:
                self.marks.append((now, seq))
        return old if old > self.trimmed or seq - self.snapshot >= SNAPSHOT_EVERY else None

    def done(self, seq: int, trimmed: int) -> None:
        self.snapshot, self.trimmed, self.at_once = seq, trimmed, False


class Attach(msgspec.Struct, frozen=True):
    connection: str
    seat: Seat
    window: str
    position: Position | None
    way: Way = ALONG


class Mine(msgspec.Struct, frozen=True):
    """How a window is here from now on."""

    connection: str
    way: Way


class Submit(msgspec.Struct, frozen=True):
    connection: str
    submission: wire.Submission


class CatchUp(msgspec.Struct, frozen=True):
    connection: str
    position: Position


class Detach(msgspec.Struct, frozen=True):
    connection: str


class Ask(msgspec.Struct, frozen=True):
    actor: Actor
    command: Command
    answer: asyncio.Future[Outcome]


class Look(msgspec.Struct, frozen=True):
    answer: asyncio.Future[Room | None]


class Reading(msgspec.Struct, frozen=True):
    """A room, and the words of its notes at the same position: as one update, and box by box."""

    room: Room
    words: bytes
    texts: Mapping[str, str]


class Read(msgspec.Struct, frozen=True):
    answer: asyncio.Future[Reading | None]


class Compare(msgspec.Struct, frozen=True):
    """What the notes are in a window that stands at `position`, as `Document.digests` gives it."""

    connection: str
    position: Position
    digests: Mapping[str, int]


class Head(msgspec.Struct, frozen=True):
    """Where the store has the room; None when the store does not have it any more."""

    position: Position | None


class Tick(msgspec.Struct, frozen=True):
    pass


class Destroyed(msgspec.Struct, frozen=True):
    """This session is not in the store any more."""

    session: str


class Reload(msgspec.Struct, frozen=True):
    pass


class Again(msgspec.Struct, frozen=True):
    """Nothing is known to have happened: ask again with the same number. `code` is `busy` or `too_fast`."""

    code: str


Outcome: TypeAlias = tuple[Event, ...] | Already | Refusal | FromClock | Again
Message: TypeAlias = (
    Attach | Mine | Submit | CatchUp | Compare | Detach | Ask | Look | Read | Head | HereOn | Tick | Destroyed | Reload
)


@dataclass(frozen=True, slots=True)
class Shell:
    """What a room needs of the process it is open in."""

    node: str
    store: Store
    bus: Bus
    audience: Audience
    clock: Clock
    new_id: NewId
    commands_per_second: float
    used: Callable[[str], None]
    """Somebody is, or just was, connected to the room of this name."""
    forget: Callable[[str], None]
    """The room has closed this connection by itself."""
    closed: Callable[[str], None]
    """The room of this name ends, with an empty inbox and without awaiting in between."""


@dataclass(slots=True)
class OpenRoom:
    """One room in this process. Only the task in `run` assigns `room`, and `words` with it."""

    name: str
    shell: Shell
    room: Room | None = None
    words: Document = field(default_factory=Document)
    """The words of the notes, at the position of `room`."""
    doubt: bool = True
    """Whether the store may have moved on without us: catch up before deciding anything."""
    _inbox: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    _pending: dict[str, int] = field(default_factory=dict)
    _members: dict[str, _Member] = field(default_factory=dict)
    _buckets: dict[str, TokenBucket] = field(default_factory=dict)
    _board: PresenceBoard = field(default_factory=PresenceBoard)
    _told_here: tuple[Here, ...] = ()
    _shown_in: Room | None = None
    _shown_to: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Who is shown what somebody shows, in the room as it was `_shown_in`."""
    _order: int = 0
    """Of the reading place that was heard of last: see `_next_order`."""
    _place: str | None = None
    """The packet with the last place at which a hand came to rest on the page that is open: for who comes later."""
    _announcements: int = 0
    _announced_at: float = float("-inf")
    _keeping: _Keeping = field(default_factory=_Keeping)
    _unused_since: float | None = None

    def put(self, message: Message) -> None:
        """Into the inbox. Never waits, never fails."""
        if isinstance(message, Submit | CatchUp | Compare | Mine):
            self._pending[message.connection] = self._pending.get(message.connection, 0) + 1
        self._inbox.put_nowait(message)

    def pending(self, connection: str) -> int:
        return self._pending.get(connection, 0)

    def people(self) -> tuple[Here, ...]:
        """Who is here, and how."""
        return self._board.people(self.shell.clock.monotonic())

    async def run(self) -> None:
        """Handle one message after the other until nobody has used the room for a while."""
        while True:
            message = await self._inbox.get()
            try:
                await self._handle(message)
            except Exception as error:
                # A fault of ours must not end the room for everybody: forget what is in memory and read it anew.
                log.error("room_fault", room=self.name, message=type(message).__name__, error=type(error).__name__)
                self.room, self.doubt = None, True
                if isinstance(message, Ask | Look | Read) and not message.answer.done():
                    message.answer.set_exception(StoreUnavailable("fault"))
            if self._unused() and self._inbox.empty():
                self.shell.closed(self.name)
                return

    async def _handle(self, message: Message) -> None:
        match message:
            case Attach():
                await self._attach(message)
            case Mine():
                self._taken(message.connection)
                self._is_here_as(message.connection, message.way)
            case Submit():
                self._taken(message.connection)
                await self._submit(message)
            case CatchUp():
                self._taken(message.connection)
                await self._bring_up(message)
            case Compare():
                self._taken(message.connection)
                await self._compare(message)
            case Detach():
                self._detach(message.connection)
            case Ask():
                await self._ask(message)
            case Look():
                await self._look(message)
            case Read():
                await self._read(message)
            case Head():
                await self._heard(message.position)
            case HereOn():
                now = self.shell.clock.monotonic()
                self._board.hear(message.node, message.number, message.people, now)
                self._tell_presence()
            case Tick():
                await self._tick()
            case Destroyed():
                # Another session, which goes on, is not disturbed.
                if self.room is None or self.room.session is None or self.room.session.id == message.session:
                    await self._reload()
            case Reload():
                await self._reload()

    # --- people come and go ---

    async def _attach(self, message: Attach) -> None:
        participant = message.seat.participant
        if message.position is not None and self.room is not None and message.position.seq > self.room.seq:
            self.doubt = True  # The window has seen more than this process has.
        if self.room is not None and participant not in self.room.participants:
            self.doubt = True  # Let in by another process a moment ago.
        settled = await self._settle()
        refusal = self._why_not(message.seat) if settled else "busy"
        mine = sum(member.seat.participant == participant for member in self._members.values())
        if refusal is None and mine >= CONNECTIONS_PER_PARTICIPANT:
            refusal = "too_fast"
        if refusal is not None:
            self._close(message.connection, refusal)
            return
        assert self.room is not None
        passing = TokenBucket.full(PASSING_PER_SECOND, PASSING_PER_SECOND, self.shell.clock.monotonic())
        self._members[message.connection] = _Member(message.seat, message.window, message.way, passing)
        self._shown_in = None
        self._board.arrive(participant, message.connection, message.way)
        self.shell.used(self.name)
        missed = await self._missed_since(message.position)
        window = self.room.windows.get(message.window)
        last = window.last if window is not None and window.participant == participant else 0
        whole = view_of(self.room, participant) if missed is None else None
        words = self.words.state() if whole is not None else None
        self.shell.audience.tell([message.connection], wire.welcome(whole, words, missed or (), last, self.people()))
        if self._place is not None and message.way.along and self._reads_together(participant):
            self.shell.audience.tell([message.connection], self._place)
        self._told_here = ()  # The others have not heard of the newcomer yet.
        self._tell_presence()

    def _is_here_as(self, connection: str, way: Way) -> None:
        member = self._members.get(connection)
        if member is None or not self._bucket(member.seat.participant).take(self.shell.clock.monotonic()):
            return
        member.way = way
        self._shown_in = None
        self._board.say(member.seat.participant, connection, way)
        self._tell_presence()

    def _why_not(self, seat: Seat) -> str | None:
        """The goodbye for a device that gets nothing of this room; None for one that does."""
        return "session_ended" if self.room is None else why_not(self.room, seat.participant, seat.ticket)

    async def _missed_since(self, position: Position | None) -> tuple[Recorded, ...] | None:
        """Exactly the events after `position` up to where this process stands; None: in doubt, send a whole view."""
        assert self.room is not None
        if position is None:
            return None
        if position == self.room.position:
            return ()
        try:
            async with asyncio.timeout(STORE_PATIENCE):
                result = await self.shell.store.after(self.name, position)
        except (StoreUnavailable, TimeoutError):
            return None
        if not isinstance(result, Missed):
            return None
        missed = tuple(recorded for recorded in result.events if recorded.seq <= self.room.seq)
        return missed if missed and missed[-1].tail == self.room.tail else None

    async def _bring_up(self, message: CatchUp) -> None:
        member = self._members.get(message.connection)
        if member is None or not self._bucket(member.seat.participant).take(self.shell.clock.monotonic()):
            return  # Who asks too often is not answered, and asks again some seconds later ([LM2]).
        if not await self._settle() or self.room is None:
            return
        missed = await self._missed_since(message.position)
        if missed is not None:
            self.shell.audience.tell([message.connection], wire.events(missed))
            return
        view = view_of(self.room, member.seat.participant)
        if view is not None:
            self.shell.audience.tell([message.connection], wire.whole(view, self.words.state()))

    async def _compare(self, message: Compare) -> None:
        """Are the notes in a window the same as here? If not, what is on disk is, for everybody ([NT9])."""
        member = self._members.get(message.connection)
        if member is None or not self._bucket(member.seat.participant).take(self.shell.clock.monotonic()):
            return
        if self.room is None or self.doubt or message.position != self.room.position:
            return
        here = self.words.digests()
        differ = [box for box, digest in message.digests.items() if here.get(box) != digest]
        if differ:
            log.error("notes_differ", room=self.name, seq=self.room.seq, connection=message.connection, boxes=differ)
            await self._reload()

    def _detach(self, connection: str) -> None:
        self._pending.pop(connection, None)
        member = self._members.pop(connection, None)
        if member is None:
            return
        self._shown_in = None
        self._board.depart(member.seat.participant, connection, self.shell.clock.monotonic())
        self.shell.used(self.name)
        self._tell_presence()

    def _close(self, connection: str, code: str) -> None:
        self._detach(connection)
        self.shell.forget(connection)
        self.shell.audience.close(connection, code)

    # --- commands ---

    async def _submit(self, message: Submit) -> None:
        member = self._members.get(message.connection)
        if member is None:
            return
        number = message.submission.number
        now = self.shell.clock.monotonic()
        if member.again_from is not None and now < member.again_until and number > member.again_from:
            self._answer(message, member, Again("busy"))  # Not before the one that has to come again ([WN6]).
            return
        member.again_from = None
        actor = Actor(member.seat.participant, Stamp(member.window, number), member.seat.ticket)
        if self._bucket(member.seat.participant).take(now):
            outcome = await self._carry_out(actor, message.submission.command)
        else:
            outcome = Again("too_fast")
        if isinstance(outcome, Again):
            member.again_from, member.again_until = number, self.shell.clock.monotonic() + AGAIN_HOLDS
        self._answer(message, member, outcome)

    def _answer(self, message: Submit, member: _Member, outcome: Outcome) -> None:
        """What no event answers. A command that became events has been answered by them."""
        number = message.submission.number
        match outcome:
            case Refusal(code=code):
                packet = wire.answer(member.window, number, "refused", code)
            case Again(code=code):
                packet = wire.answer(member.window, number, "again", code)
            case FromClock(clock=clock):
                packet = wire.answer(member.window, number, "again", "gap", clock)
            case Already():
                packet = wire.answer(member.window, number, "already")
            case _:
                return
        self.shell.audience.tell([message.connection], packet)

    async def _ask(self, message: Ask) -> None:
        """What a form or the house itself asks for. A form may not turn pages faster than a window ([LM2])."""
        who = message.actor.participant if isinstance(message.command, TurnPage) else None
        if who is None or self._bucket(who).take(self.shell.clock.monotonic()):
            outcome = await self._carry_out(message.actor, message.command)
        else:
            outcome = Again("too_fast")
        if not message.answer.done():
            message.answer.set_result(outcome)

    def _bucket(self, participant: str) -> TokenBucket:
        rate, now = self.shell.commands_per_second, self.shell.clock.monotonic()
        return self._buckets.setdefault(participant, TokenBucket.full(rate, max(64.0, 2 * rate), now))

    def _taken(self, connection: str) -> None:
        left = self._pending.get(connection, 0) - 1
        if left > 0:
            self._pending[connection] = left
        else:
            self._pending.pop(connection, None)

    async def _carry_out(self, actor: Actor, command: Command) -> Outcome:
        """Decide, append, follow; and decide again when another process was first.

        Not for ever: everybody else in the room waits for this command meanwhile.
        """
        until = self.shell.clock.monotonic() + 2 * STORE_PATIENCE
        for _ in range(TRIES):
            if not await self._settle():
                return Again("busy")
            if self.room is None:
                return Refusal("no_session")
            if isinstance(command, Write) and self._alone(self.room, actor):
                return Refusal("alone")
            decision = decide(self.room, actor, command, self.shell.clock.wall(), self.words)
            if not isinstance(decision, tuple):
                return decision
            if isinstance(command, OpenSession) and not await self._log_is_gone():
                return Again("busy")
            after = self.room.position
            recorded = self._numbered(after, decision, actor.stamp)
            result = await self._append(_session_of(self.room, decision), after, recorded)
            if isinstance(result, Appended):
                self._follow(recorded)
                self._ring()
                await self._keep_snapshot()
                return decision
            await self._accept(result)
            if self.shell.clock.monotonic() >= until:
                break
        return Again("busy")

    def _alone(self, room: Room, actor: Actor) -> bool:
        """Whether no service user is here, nor was a while ago: a lost connection is not leaving ([NT1])."""
        now = self.shell.clock.monotonic()
        present = [each for each in room.participants.values() if each.role is Role.SERVICE_USER and not each.left]
        return not any(
            each.id == actor.participant or self._board.away_for(each.id, now) <= WRITES_ON_FOR for each in present
        )

    def _numbered(self, after: Position, events: tuple[Event, ...], stamp: Stamp | None) -> tuple[Recorded, ...]:
        return tuple(
            Recorded(after.seq + nth, self.shell.new_id(), event, stamp) for nth, event in enumerate(events, 1)
        )

    async def _log_is_gone(self) -> bool:
        """Whether an ended session has left nothing but its snapshot: the next one does not begin before ([OR7])."""
        assert self.room is not None
        await self._keep_snapshot()
        return self.room.session is None or self._keeping.trimmed == self.room.seq

    async def _append(
        self, session: str, after: Position, recorded: tuple[Recorded, ...]
    ) -> Appended | Missed | Diverged | None:
        """None: unknown. It may be written even so, so nothing is decided before `_settle` has looked."""
        try:
            async with asyncio.timeout(STORE_PATIENCE):
                return await self.shell.store.append(self.name, session, after, recorded)
        except (StoreUnavailable, TimeoutError):
            return None

    async def _accept(self, result: Missed | Diverged | None) -> None:
        match result:
            case Missed(events=events):
                try:
                    self._follow(events)
                except Gap:
                    await self._reload()
            case Diverged():
                await self._reload()
            case None:
                self.doubt = True

    # --- following the store's order ---

    def _follow(self, events: Sequence[Recorded]) -> None:
        """Take on events that are on disk, and tell everybody who may see them. Raises `Gap`."""
        assert self.room is not None
        untold: list[Recorded] = []
        for recorded in events:
            if not isinstance(recorded.event, ENDS_FOR_SOMEBODY):
                self._take_on(recorded)
                untold.append(recorded)
                continue
            viewers = self._viewers()
            self._take_on(recorded)
            untold.append(recorded)
            if isinstance(recorded.event, ParticipantLeft | ParticipantRemoved):
                self._board.forget(recorded.event.participant)
            if isinstance(recorded.event, ParticipantLeft | SessionEnded):
                self._tell(viewers, untold)
                untold = []
                self._say_goodbyes()
            elif isinstance(recorded.event, ParticipantRemoved | DeviceRemoved):
                # Who was put out gets nothing more, not even this.
                self._tell(viewers, untold[:-1])
                untold = untold[-1:]
                self._say_goodbyes()
        self._tell(self._viewers(), untold)

    def _take_on(self, recorded: Recorded) -> None:
        """One more event: in the room, and in the words of its notes. Raises `Gap`."""
        assert self.room is not None
        self.room = evolve(self.room, recorded)
        match recorded.event:
            case NotesWritten(update=update):
                self.words.keep(update)
            case RemovedForGood():
                self._keeping.at_once = True
            case SessionOpened():
                self.words, self._place = Document(), None
            case PageTurned():
                self._place = None

    def _viewers(self) -> list[str]:
        return [each for each, member in self._members.items() if self._why_not(member.seat) is None]

    def _tell(self, connections: list[str], events: Sequence[Recorded]) -> None:
        if connections and events:
            self.shell.audience.tell(connections, wire.events(events))

    def _say_goodbyes(self) -> None:
        """Close the connections of those who get nothing any more. Why, all but who was put out have just been told."""
        for connection, member in list(self._members.items()):
            code = self._why_not(member.seat)
            if code is None:
                continue
            person = member.seat.participant
            their_device_alone = code == "removed" and self.room is not None and may_see(self.room, person)
            if not their_device_alone:
                self._board.forget(person)
            self._close(connection, code)

    def _ring(self) -> None:
        assert self.room is not None
        self.shell.bus.publish(Doorbell(self.name, self.room.position))

    async def _heard(self, position: Position | None) -> None:
        """The doorbell, or the head poll: is the store ahead of us?"""
        if position is None:
            await self._reload()
        elif self.room is not None and self._differs(self.room, position):
            self.doubt = True
            await self._settle()

    @staticmethod
    def _differs(room: Room, position: Position) -> bool:
        """A late message names a number that we have passed; another epoch or tail means another history."""
        if position.epoch != room.epoch:
            return True
        return position.seq > room.seq or (position.seq == room.seq and position.tail != room.tail)

    async def _settle(self) -> bool:
        """Make sure that `room` is what the store has, if there was any doubt. False: the store does not answer."""
        if not self.doubt:
            return True
        try:
            async with asyncio.timeout(STORE_PATIENCE):
                if self.room is None:
                    self._begin(await self.shell.store.load(self.name))
                else:
                    await self._catch_up()
        except (StoreUnavailable, TimeoutError):
            return False
        self.doubt = False
        return True

    async def _catch_up(self) -> None:
        assert self.room is not None
        result = await self.shell.store.after(self.name, self.room.position)
        try:
            if isinstance(result, Missed):
                self._follow(result.events)
        except Gap:
            result = Diverged()
        if isinstance(result, Diverged):
            self._begin(await self.shell.store.load(self.name))

    async def _reload(self) -> None:
        """Forget what we have and read it anew."""
        self.room, self.doubt = None, True
        await self._settle()

    def _begin(self, kept: Kept | None) -> None:
        """Start from what the store has, and send it whole: what the windows have may be another past."""
        room = kept.room if kept is not None else None
        self.words = kept.document() if kept is not None else Document()
        self.room = room
        self._keeping = _Keeping()
        self._say_goodbyes()
        if room is None:
            return
        for connection, member in self._members.items():
            view = view_of(room, member.seat.participant)
            if view is not None:
                self.shell.audience.tell([connection], wire.whole(view, self.words.state()))

    async def _look(self, message: Look) -> None:
        settled = await self._settle()
        if message.answer.done():
            return
        if settled:
            message.answer.set_result(self.room)
        else:
            message.answer.set_exception(StoreUnavailable("busy"))

    async def _read(self, message: Read) -> None:
        settled = await self._settle()
        if message.answer.done():
            return
        if not settled:
            message.answer.set_exception(StoreUnavailable("busy"))
        elif self.room is None:
            message.answer.set_result(None)
        else:
            message.answer.set_result(Reading(self.room, self.words.state(), self.words.texts()))

    # --- in passing: nothing waits, and nothing of it is kept or logged ---

    def show(self, connection: str, what: Passing) -> None:
        """What a window shows the others. From a window that is on its own, or of another page than the one that is
        open, it goes to nobody ([PO2])."""
        member = self._members.get(connection)
        if member is None or not member.way.along or not member.passing.take(self.shell.clock.monotonic()):
            return
        room, who = self.room, member.seat.participant
        if room is None or room.session is None or self._why_not(member.seat) is not None:
            return
        match what:
            case Point(page=page) if page == room.session.page:
                self._pass_on(InPassing(self.name, who, "", f"point {who}", wire.pointed(who, what)))
            case Place(page=page) if page == room.session.page:
                order = self._next_order()
                packet = wire.placed(who, member.window, what, order)
                if what.resting:
                    self._place = packet
                self._pass_on(InPassing(self.name, "", "", f"place {who}", packet, order))
            case Sees(of=of) if of != who:
                self._pass_on(InPassing(self.name, who, of, f"sees {who}", wire.seen_by(who, what)))

    def _next_order(self) -> int:
        """Higher than all that were heard of, and never the same as another process's: a Lamport clock, with the
        process in its last bits."""
        self._order = ((self._order >> 16) + 1 << 16) | (zlib.crc32(self.shell.node.encode()) & 0xFFFF)
        return self._order

    def _pass_on(self, message: InPassing) -> None:
        self._show(message)
        self.shell.bus.publish(message)

    def heard_in_passing(self, message: InPassing) -> None:
        """The same, from another process."""
        self._order = max(self._order, message.order)
        self._show(message)

    def _show(self, message: InPassing) -> None:
        viewers = self._who_is_shown(message.by, message.to) if self.room is not None else ()
        if viewers:
            self.shell.audience.show(viewers, message.key, message.packet)

    def _who_is_shown(self, by: str, to: str) -> Sequence[str]:
        """The windows that see the session and its page: of everybody else, of one person, or (a reading place) of all.

        Looked up once for each room value and each change of members, and not for each pointer.
        """
        if self._shown_in is not self.room:
            self._shown_in, self._shown_to = self.room, {}
        known = self._shown_to.get((by, to))
        if known is None:
            known = self._shown_to[by, to] = [
                connection
                for connection, member in self._members.items()
                if (member.way.along or to)
                and member.seat.participant != by
                and to in ("", member.seat.participant)
                and self._why_not(member.seat) is None
            ]
        return known

    def _reads_together(self, participant: str) -> bool:
        session = self.room.session if self.room is not None else None
        return session is not None and participant in session.reading

    # --- presence ---

    def _tell_presence(self) -> None:
        """Tell the people here and the other processes who is here, if that has changed."""
        here = self.people()
        if here != self._told_here:
            self._told_here = here
            viewers = self._viewers()
            if viewers:
                self.shell.audience.tell(viewers, wire.presence(here))
            self._announce()

    def _announce(self) -> None:
        now = self.shell.clock.monotonic()
        self._announcements += 1
        self._announced_at = now
        mine = self._board.here_on_this_process(now)
        self.shell.bus.publish(HereOn(self.name, self.shell.node, self._announcements, mine))

    # --- housekeeping ---

    async def _tick(self) -> None:
        now = self.shell.clock.monotonic()
        self._tell_presence()
        if self._members:
            self.shell.used(self.name)
            if now - self._announced_at >= ANNOUNCE_EVERY:
                self._announce()
        if self.doubt and self._members:
            await self._settle()
        await self._keep_snapshot()

    async def _keep_snapshot(self) -> None:
        """Now and then keep the room as it is, and let go of events that are in it and old: [OR7]."""
        room = self.room
        if room is None or room.session is None:
            return
        trim_to = self._keeping.due(room.seq, room.session.ended, self.shell.clock.monotonic())
        if trim_to is None:
            return
        try:
            async with asyncio.timeout(STORE_PATIENCE):
                await self.shell.store.snapshot(room, trim_to, self.words.saved())
            self._keeping.done(room.seq, trim_to)
        except (StoreUnavailable, TimeoutError):
            log.warning("snapshot_postponed", room=self.name)
        self._tell_if_mended()

    def _tell_if_mended(self) -> None:
        """All windows get the words as they read on disk, should that be otherwise than they were shown ([NT9])."""
        if not self.words.mended or self.room is None:
            return
        self.words.mended = False
        log.error("notes_mended", room=self.name, seq=self.room.seq)
        for connection, member in self._members.items():
            view = view_of(self.room, member.seat.participant)
            if view is not None:
                self.shell.audience.tell([connection], wire.whole(view, self.words.state()))

    def _unused(self) -> bool:
        now = self.shell.clock.monotonic()
        if self._members:
            self._unused_since = None
            return False
        if self._unused_since is None:
            self._unused_since = now
        return now - self._unused_since > CLOSE_AFTER


def _session_of(room: Room, events: tuple[Event, ...]) -> str:
    """Which session events belong to that are about to follow `room`."""
    for event in events:
        if isinstance(event, SessionOpened):
            return event.session
    assert room.session is not None, "before a session is open, everything else is refused ([SE2])"
    return room.session.id
