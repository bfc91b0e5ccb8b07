"""One room, as its team sees it: its label, its sessions with their invitations, who waits and who is in.

Whoever is not in the team is answered as if there were no such room.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rooms import SERVER, Actor, EndSession, Refusal, Room
from rooms.events import Role
from rooms.names import clean_line
from server.hub import Hub
from server.identity import (
    Account,
    Accounts,
    Arrival,
    Codes,
    Invitations,
    StaffRole,
    State,
    TeamRoom,
    Teams,
    Tickets,
    digest,
    shown_code,
)
from server.identity.tickets import SENTENCE_LETTERS
from server.pages.cookies import give_ticket
from server.pages.desk import LABEL, Desk
from server.pages.opening import Opening, Refused
from server.pages.qr import qr
from server.pages.rendering import Pages, field, form_of, to
from server.pages.staff_only import StaffOnly
from server.ports import SessionRow, Store
from server.removals import Removals
from server.words import N_

NOT_YOURS = N_("There is no room of yours at this address. Please go back to your desk.")
PROBLEMS = {
    "label": LABEL,
    "name_taken": N_("A person in the session has this name. Ask the new one to knock again under another name."),
    "session_open": N_("Another session is open in this room. Please end it first."),
    "full": N_("The session is full. Somebody has to leave first."),
    "later": N_("That did not work. Please look at the room again, then try once more."),
    "gone": N_("This person is not waiting any more."),
}

DOOR = "door-title"
"""Where on the page those are who wait."""

AnswerRoom = Callable[[Request, Account, TeamRoom], Awaitable[Response]]
AnswerSession = Callable[[Request, Account, SessionRow], Awaitable[Response]]
AnswerArrival = Callable[[Request, Account, SessionRow, Arrival], Awaitable[Response]]


class Device(msgspec.Struct, frozen=True):
    id: str
    at: int  # milliseconds since 1970, UTC


class InRoom(msgspec.Struct, frozen=True):
    """Somebody who is in the session. `devices` are those they were let in on."""

    id: str
    name: str
    here: bool
    devices: Sequence[Device]


class Invite(msgspec.Struct, frozen=True):
    """How the other person is invited while nobody has used the link. `code` is as it is shown, if there is one now."""

    link: str
    qr: Markup
    code: str
    message: str


class Meeting(msgspec.Struct, frozen=True):
    """One session of the room as its page shows it."""

    id: str
    open: bool
    planned_at: int | None
    invite: Invite | None
    people: Sequence[InRoom]


def routes(
    pages: Pages,
    store: Store,
    hub: Hub,
    desk: Desk,
    accounts: Accounts,
    teams: Teams,
    tickets: Tickets,
    invitations: Invitations,
    codes: Codes,
    opening: Opening,
    removals: Removals,
    staff_only: StaffOnly,
) -> list[BaseRoute]:
    # --- the page ---

    async def look(request: Request, account: Account, room: TeamRoom) -> Response:
        return await _page(request, account, room)

    async def _page(
        request: Request, account: Account, room: TeamRoom, status: int = 200, problem: str | None = None
    ) -> Response:
        sessions = [row for row in await store.sessions(room.id) if row.ended_at is None]
        return pages.show(
            request,
            "room",
            status,
            account=account,
            public_url=pages.settings.public_url,
            problem=problem,
            room=room,
            door=await desk.at_the_door(account.id, room.id),
            meetings=[await _meeting(row) for row in sorted(sessions, key=_open_first)],
            team=[await accounts.get(member.account) for member in await teams.current(room.id)],
        )

    async def _meeting(row: SessionRow) -> Meeting:
        token = await invitations.current(row.session)
        invite = await _invite(row, token) if token else None
        return Meeting(row.session, row.open, row.planned_at, invite, await _people(row) if row.open else ())

    async def _invite(row: SessionRow, token: str) -> Invite:
        link = f"{pages.settings.public_url}/join/{token}"
        code = await codes.current(digest(token))
        if row.planned_at is None:
            message = pages.words(N_("Hello. Here is the link for our meeting: %(link)s"), link=link)
        else:
            when = pages.plain_time(row.planned_at)
            message = pages.words(N_("Hello. We meet on %(when)s. Here is the link: %(link)s"), when=when, link=link)
        return Invite(link, qr(link), shown_code(code) if code else "", message)

    async def _people(row: SessionRow) -> Sequence[InRoom]:
        room = await hub.look(row.room)
        here = hub.here(row.room)
        given = [ticket for ticket in await tickets.of_session(row.session) if ticket.state is State.ADMITTED]
        return [
            InRoom(
                person.id,
                person.name,
                person.id in here,
                [Device(ticket.id, ticket.at) for ticket in given if ticket.participant == person.id],
            )
            for person in (room.participants.values() if room is not None else ())
            if person.role is Role.SERVICE_USER and not person.left
        ]

    # --- the room ---

    async def label(request: Request, account: Account, room: TeamRoom) -> Response:
        form = await form_of(request)
        if "label" not in form:  # Nobody empties a field that they did not see.
            raise HTTPException(400)
        wanted = field(form, "label")
        if not wanted.strip():
            await teams.let_go(room.id)
            return to("/desk" if await teams.get(room.id) is None else f"/desk/rooms/{room.id}")
        if not await teams.name_room(room.id, wanted):
            return await _page(request, account, room, 422, pages.words(PROBLEMS["label"]))
        return to(f"/desk/rooms/{room.id}")

    async def start(request: Request, account: Account, room: TeamRoom) -> Response:
        session = await opening.start(room.id, account.id)
        if await invitations.current(session.session) is None:
            await codes.make(digest(await invitations.make(room.id, session.session)))
        return to(f"/desk/rooms/{room.id}")

    # --- a session ---

    async def enter(request: Request, account: Account, row: SessionRow) -> Response:
        try:
            new = await opening.enter(row, account, digest(staff_only.token(request) or ""))
        except Refused as refused:
            return await _not_now(request, account, row, refused.code if refused.code in PROBLEMS else "later")
        response = to(f"/s/{new.ticket.id}")
        give_ticket(response, new, pages.settings.secure)
        return response

    async def new_link(request: Request, account: Account, row: SessionRow) -> Response:
        await codes.make(digest(await invitations.make(row.room, row.session)))
        return to(f"/desk/rooms/{row.room}")

    async def revoke(request: Request, account: Account, row: SessionRow) -> Response:
        await invitations.revoke(row.session)
        return to(f"/desk/rooms/{row.room}")

    async def new_code(request: Request, account: Account, row: SessionRow) -> Response:
        token = await invitations.current(row.session)
        if token is not None:
            await codes.make(digest(token))
        return to(f"/desk/rooms/{row.room}")

    async def end(request: Request, account: Account, row: SessionRow) -> Response:
        """For everybody. One that is not open yet is called off: its link says that it is over."""
        if row.opened_at is None:
            await opening.call_off(row)
            return to("/desk")
        here = await opening.participant_of(row, account)
        ended = await hub.ask(row.room, SERVER if here is None else Actor(here), EndSession())
        if isinstance(ended, Refusal) and ended.code != "session_ended":
            raise Refused(ended.code)
        return to(f"/desk/rooms/{row.room}" if await teams.get(row.room) is not None else "/desk")

    # --- people ---

    async def admit(request: Request, account: Account, row: SessionRow, arrival: Arrival) -> Response:
        """Whoever lets somebody in and is not in the session yet goes in with them."""
        try:
            admitted = await opening.admit(row, arrival)
        except Refused as refused:
            return await _not_now(request, account, row, refused.code if refused.code in PROBLEMS else "later")
        return (
            await _inside(request, account, row) if admitted else await _after(request, account, row, arrival.ticket.id)
        )

    async def _after(request: Request, account: Account, row: SessionRow, ticket_id: str) -> Response:
        """For somebody who does not wait: let in already, by a second press or a colleague, or gone."""
        ticket = await tickets.get(ticket_id)
        if ticket is not None and ticket.session == row.session and ticket.state is State.ADMITTED:
            return await _inside(request, account, row)
        return await _not_now(request, account, row, "gone")

    async def _inside(request: Request, account: Account, row: SessionRow) -> Response:
        if await opening.participant_of(row, account) in hub.here(row.room):
            return to(f"/desk/rooms/{row.room}")
        return await enter(request, account, row)

    async def turn_away(request: Request, account: Account, row: SessionRow, arrival: Arrival) -> Response:
        await tickets.turn_away(arrival.ticket.id)
        return to(f"/desk/rooms/{row.room}#{DOOR}")

    async def write_to(request: Request, account: Account, row: SessionRow, arrival: Arrival) -> Response:
        sentence = clean_line(field(await form_of(request), "sentence"))[:SENTENCE_LETTERS]
        await tickets.write_to(arrival, sentence)
        return to(f"/desk/rooms/{row.room}#{DOOR}")

    async def remove_person(request: Request, account: Account, row: SessionRow) -> Response:
        person = field(await form_of(request), "person")
        room = await hub.look(row.room)
        if not _is_a_service_user(room, person):
            raise Refused("not_allowed")  # [PT10]
        here = await opening.participant_of(row, account)
        await removals.participant(row.room, SERVER if here is None else Actor(here), person)
        return to(f"/desk/rooms/{row.room}")

    async def remove_device(request: Request, account: Account, row: SessionRow) -> Response:
        ticket = await tickets.get(field(await form_of(request), "device"))
        if ticket is None or ticket.session != row.session or ticket.role is not Role.SERVICE_USER:
            raise Refused("unknown_person")
        await removals.device(ticket)
        return to(f"/desk/rooms/{row.room}")

    # --- who may ---

    def in_the_team(answer: AnswerRoom) -> Callable[[Request], Awaitable[Response]]:
        async def found(request: Request, account: Account) -> Response:
            room = await teams.room_of(str(request.path_params["room"]), account.id)
            if room is None:
                return pages.plain(request, pages.words(NOT_YOURS), 404)
            return await answer(request, account, room)

        return staff_only(found, StaffRole.WORKER)

    def on_session(answer: AnswerSession) -> Callable[[Request], Awaitable[Response]]:
        async def found(request: Request, account: Account, room: TeamRoom) -> Response:
            for row in await store.sessions(room.id):
                if row.session == request.path_params["session"] and row.ended_at is None:
                    return await answer(request, account, row)
            return pages.plain(request, pages.words(NOT_YOURS), 404)

        return in_the_team(found)

    def on_arrival(answer: AnswerArrival) -> Callable[[Request], Awaitable[Response]]:
        async def found(request: Request, account: Account, row: SessionRow) -> Response:
            for arrival in await tickets.arrivals(row.session):
                if arrival.ticket.id == request.path_params["ticket"]:
                    return await answer(request, account, row, arrival)
            return await _after(request, account, row, str(request.path_params["ticket"]))

        return on_session(found)

    async def _not_now(request: Request, account: Account, row: SessionRow, problem: str) -> Response:
        room = await teams.room_of(row.room, account.id)
        if room is None:  # Taken out of the team in this very moment.
            return pages.plain(request, pages.words(NOT_YOURS), 404)
        return await _page(request, account, room, 409, pages.words(PROBLEMS[problem]))

    room, session = "/desk/rooms/{room}", "/desk/rooms/{room}/sessions/{session}"
    arrival = f"{session}/arrivals/{{ticket}}"
    return [
        Route(room, in_the_team(look)),
        Route(f"{room}/label", in_the_team(label), methods=["POST"]),
        Route(f"{room}/start", in_the_team(start), methods=["POST"]),
        Route(f"{session}/enter", on_session(enter), methods=["POST"]),
        Route(f"{session}/link", on_session(new_link), methods=["POST"]),
        Route(f"{session}/revoke", on_session(revoke), methods=["POST"]),
        Route(f"{session}/code", on_session(new_code), methods=["POST"]),
        Route(f"{session}/end", on_session(end), methods=["POST"]),
        Route(f"{session}/people/remove", on_session(remove_person), methods=["POST"]),
        Route(f"{session}/devices/remove", on_session(remove_device), methods=["POST"]),
        Route(f"{arrival}/admit", on_arrival(admit), methods=["POST"]),
        Route(f"{arrival}/turn-away", on_arrival(turn_away), methods=["POST"]),
        Route(f"{arrival}/sentence", on_arrival(write_to), methods=["POST"]),
    ]


def _open_first(row: SessionRow) -> tuple[bool, int]:
    return not row.open, row.planned_at or row.made_at


def _is_a_service_user(room: Room | None, person: str) -> bool:
    known = room.participants.get(person) if room is not None else None
    return known is not None and known.role is Role.SERVICE_USER
