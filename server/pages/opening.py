"""Opening sessions and letting people in: what the desk, practice and the door have in common."""

from __future__ import annotations

from itertools import count

from rooms import SERVER, Join, OpenSession, Refusal, RemoveParticipant, already_in_as, decide
from rooms.events import Role
from rooms.names import clean_name, same_name
from server.content import Content
from server.hub import Hub
from server.identity import (
    Account,
    Accounts,
    Arrival,
    Invitation,
    Invitations,
    NewTicket,
    State,
    Teams,
    Tickets,
    digest,
    still_works,
)
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
        accounts: Accounts,
        content: Content,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._hub = hub
        self._tickets = tickets
        self._invitations = invitations
        self._teams = teams
        self._accounts = accounts
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

        Raises:
            Refused: the room is not there any more.
        """
        session, now = self._new_id(), self._clock.wall()
        practice = account is None
        try:
            await self._store.prepare(NewSession(room, session, practice, account, now, planned_at))
        except Conflict:
            raise Refused("no_session") from None  # A colleague has let the room go in this very moment.
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
        """End a session that was never opened; its link, and who waits by it, are told that it is over."""
        await self._store.call_off(session.session, self._clock.wall())

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
            Refused: the session has ended, or another one is open in the room; or the account was signed out or taken
                out of the team in this very moment.
        """
        await self.open(session)
        participant, is_in = await self._participant_for(session, account)
        await self._join(session.room, participant, Role.WORKER, account.name_and_job)
        place = (session.room, session.session, participant, Role.WORKER)
        still = (still_works(sign_in), self._teams.still_member(session.room, account.id))
        try:
            return await self._tickets.create(*place, account.id, sign_in, *still)
        except Conflict:
            if not is_in:  # Nobody is there under this name.
                await self._hub.ask(session.room, SERVER, RemoveParticipant(participant))
            raise Refused("not_here") from None

    async def knock(self, invitation: Invitation, name: str) -> NewTicket:
        """A ticket that waits, for somebody at the door.

        Raises:
            Refused: the name cannot be read, or is that of the worker who is going to look at it, or of somebody of the
                staff who is in the session; or too many wait, or the link was used up or taken back in this very
                moment.
        """
        cleaned = clean_name(name)
        if cleaned is None:
            raise Refused("name_unreadable")
        if await self._is_the_workers(invitation, cleaned):
            raise Refused("name_taken")
        known = await self._hub.look(invitation.room)
        if known is not None and already_in_as(known, cleaned) is None:
            command = Join(self._new_id(), invitation.role, cleaned)
            decided = decide(known, SERVER, command, self._clock.wall())
            if isinstance(decided, Refusal) and decided.code in ("name_taken", "full"):
                raise Refused(decided.code)
        new = await self._tickets.arrive(
            *(invitation.room, invitation.session, invitation.role, invitation.hash, cleaned),
            self._invitations.still_good(invitation.hash),
        )
        if new is None:
            raise Refused("full")
        return new

    async def _is_the_workers(self, invitation: Invitation, name: str) -> bool:
        account = await self._accounts.get(invitation.account or "")
        return account is not None and any(same_name(name, own) for own in (account.shown, account.name_and_job))

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
        participant, is_in = await self._participant_for(session, account)
        return participant if is_in else None

    async def _participant_for(self, session: SessionRow, account: Account) -> tuple[str, bool]:
        """As whom somebody of the staff is in a session, or would be, and whether they are.

        The id follows from the session and the account, so that two requests at once, or one that was cut off half
        way, lead to one participant. Whoever has left comes back as another one ([PT2]).
        """
        room = await self._hub.look(session.room)
        known = room.participants if room is not None else {}
        for nth in count():
            participant = digest(f"{session.session} {account.id} {nth}")[:32]
            person = known.get(participant)
            if person is None or not person.left:
                return participant, person is not None
        raise AssertionError("counting has no end")

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
