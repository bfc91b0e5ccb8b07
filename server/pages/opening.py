"""Opening sessions and letting people in: what the desk, practice and the door have in common."""

from __future__ import annotations

from rooms import SERVER, Join, OpenSession, Refusal, RemoveParticipant, already_in_as, decide
from rooms.events import Role
from rooms.names import clean_name
from server.content import Content
from server.hub import Hub
from server.identity import Account, Arrival, Invitations, NewTicket, State, Teams, Tickets, still_works
from server.ports import Clock, Conflict, NewId, NewSession, SessionRow, Store


class Refused(Exception):
    """The rules say no. `code` is one of `wire.REFUSALS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Opening:
    """Makes rooms and sessions, and has participants join them. All of it may raise `StoreUnavailable`: try again."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        tickets: Tickets,
        invitations: Invitations,
        teams: Teams,
        content: Content,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._hub = hub
        self._tickets = tickets
        self._invitations = invitations
        self._teams = teams
        self._pack = content.pack
        self._clock = clock
        self._new_id = new_id

    # --- rooms and sessions ---

    async def new_room(self, lead: str | None = None) -> str:
        """An empty room. `lead` is the account whose room it is; nobody's for practice."""
        room = self._new_id()
        await self._store.create(room, self._clock.wall())
        if lead is not None:
            await self._teams.add(room, lead, lead=True)
        return room

    async def prepare(self, room: str, account: str | None, planned_at: int | None = None) -> SessionRow:
        """A session that is not open yet. Without an account it is practice.

        Args:
            planned_at: for when, in milliseconds since 1970, UTC; None for now.
        """
        session, now = self._new_id(), self._clock.wall()
        practice = account is None
        await self._store.prepare(NewSession(room, session, practice, account, now, planned_at))
        return SessionRow(room, session, practice, account, now, planned_at)

    async def open(self, session: SessionRow) -> None:
        """Open a session, if it is not open yet.

        Raises:
            Refused: it has ended, or another one is open in the room.
        """
        pack = self._pack
        command = OpenSession(session.session, session.practice, pack.id, pack.page_ids, pack.home)
        opened = await self._hub.ask(session.room, SERVER, command)
        if isinstance(opened, Refusal):
            raise Refused(opened.code)

    async def start(self, room: str, account: str) -> SessionRow:
        """The session that is open in the room; a new one if there is none. Of two who start one at once, both get the
        same.

        Raises:
            Refused: it ended in this very moment.
        """
        going_on = await self._open_in(room)
        if going_on is not None:
            return going_on
        session = await self.prepare(room, account)
        try:
            await self.open(session)
        except Refused:
            await self.call_off(session)
            going_on = await self._open_in(room)
            if going_on is None:
                raise
            return going_on
        return session

    async def _open_in(self, room: str) -> SessionRow | None:
        return next((session for session in await self._store.sessions(room) if session.open), None)

    async def call_off(self, session: SessionRow) -> None:
        """End a session that was never opened: nothing of it is kept, and its link says that it is over."""
        await self._store.destroy(session.session, self._clock.wall())
        self._hub.destroyed(session.room, session.session)  # A colleague may have opened it in this very moment.

    # --- letting in ---

    async def let_in(self, session: SessionRow, role: Role, name: str) -> NewTicket:
        """Have a new participant join who needs no admission, and give their first device a ticket.

        Raises:
            Refused: with the code of why they cannot come in.
        """
        participant = self._new_id()
        await self._join(session.room, participant, role, name)
        return await self._tickets.create(session.room, session.session, participant, role)

    async def enter(self, session: SessionRow, account: Account, sign_in: str) -> NewTicket:
        """A ticket for a worker of the team on one more device, as the same participant as before. Opens the session if
        it is not open yet.

        Args:
            sign_in: the hash of the sign-in under which the ticket is given.

        Raises:
            Refused: the session has ended, or another one is open in the room; or the account was signed out.
        """
        await self.open(session)
        known_as = await self.participant_of(session, account)
        participant = known_as or self._new_id()
        await self._join(session.room, participant, Role.WORKER, account.name_and_job)
        place = (session.room, session.session, participant, Role.WORKER)
        try:
            return await self._tickets.create(*place, account.id, sign_in, still_works(sign_in))
        except Conflict:
            # Signed out in this very moment: nobody is there under this name.
            if known_as is None:
                await self._hub.ask(session.room, SERVER, RemoveParticipant(participant))
            raise Refused("not_allowed") from None

    async def knock(self, room: str, session: str, role: Role, invitation: str, name: str) -> NewTicket:
        """A ticket that waits, for somebody at the door.

        Raises:
            Refused: the name cannot be read, or belongs to somebody of the staff who is in the session; or too many
                wait, or the link was used up or taken back in this very moment.
        """
        cleaned = clean_name(name)
        if cleaned is None:
            raise Refused("name_unreadable")
        known = await self._hub.look(room)
        if known is not None and already_in_as(known, cleaned) is None:
            command = Join(self._new_id(), role, cleaned)
            decided = decide(known, SERVER, command, self._clock.wall())
            if isinstance(decided, Refusal) and decided.code in ("name_taken", "full"):
                raise Refused(decided.code)
        still = self._invitations.still_good(invitation)
        new = await self._tickets.arrive(room, session, role, invitation, cleaned, still)
        if new is None:
            raise Refused("full")
        return new

    async def admit(self, session: SessionRow, arrival: Arrival) -> bool:
        """Let somebody in who waits; under the name of a service user who is in the session, as that person ([PT8]).
        Opens the session if it is not open yet.

        Returns:
            Whether they are in. False when they do not wait any more, or another device was let in by the same link.

        Raises:
            Refused: the rules say no; they wait on.
        """
        ticket = arrival.ticket
        link = await self._invitations.known(ticket.invitation or "")
        if ticket.state is not State.WAITING or link is None or link.state not in ("open", "early"):
            return False
        await self.open(session)
        room = await self._hub.look(session.room)
        known_as = already_in_as(room, arrival.name) if room is not None else None
        participant = known_as or ticket.participant
        await self._join(session.room, participant, ticket.role, arrival.name)
        admitted = await self._tickets.admit(ticket, participant, self._invitations.using(link.hash, ticket.id))
        if not admitted and known_as is None and not await self._is_in(session, participant):
            # Another device was quicker with the same link, between the question above and now.
            await self._hub.ask(session.room, SERVER, RemoveParticipant(participant))
        return admitted

    async def participant_of(self, session: SessionRow, account: Account) -> str | None:
        """Who somebody of the staff is in a session already, unless they have left."""
        room = await self._hub.look(session.room)
        for ticket in await self._tickets.of_session(session.session):
            person = room.participants.get(ticket.participant) if room is not None else None
            if ticket.account == account.id and person is not None and not person.left:
                return person.id
        return None

    async def _is_in(self, session: SessionRow, participant: str) -> bool:
        """Whether a device has been let in as this participant: the very same one, by a colleague or a second press of
        the button, or another one that gave the same name."""
        given = await self._tickets.of_session(session.session)
        return any(ticket.participant == participant and ticket.state is State.ADMITTED for ticket in given)

    async def _join(self, room: str, participant: str, role: Role, name: str) -> None:
        """Twice is harmless. Raises `Refused`."""
        joined = await self._hub.ask(room, SERVER, Join(participant, role, name))
        if isinstance(joined, Refusal):
            raise Refused(joined.code)
