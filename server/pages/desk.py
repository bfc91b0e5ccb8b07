"""The desk of a worker: who is at the door, what is open, and the rooms of the teams they are in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rooms import already_in_as
from rooms.names import clean_name
from server.clinic import Clinic
from server.hub import Hub
from server.identity import (
    Account,
    Accounts,
    Arrival,
    Codes,
    Invitations,
    StaffRole,
    Supervisions,
    TeamRoom,
    Teams,
    Tickets,
    digest,
)
from server.pages.days import to_come
from server.pages.opening import Opening
from server.pages.practice import Practice
from server.pages.rendering import Pages, field, form_of, to
from server.pages.staff_only import StaffOnly
from server.pages.waiting import Threshold
from server.ports import Clock
from server.words import N_

LABEL = N_("Please give the room a name of up to 40 letters.")
PROBLEMS = {
    "time": N_("Please give a day and a time that are still to come."),
    "room": N_("This room is not on your desk any more. Please choose another one."),
    "label": LABEL,
}


class AtTheDoor(msgspec.Struct, frozen=True):
    """Somebody who waits, as the desk shows them. `here`: their page is open at the moment. `known`: a person of this
    name is in the session already ([PT8])."""

    room: TeamRoom
    arrival: Arrival
    here: bool
    known: bool


class Desk:
    """Who waits at a worker's rooms. Also asked by a session's page, which shows the number only."""

    def __init__(self, hub: Hub, tickets: Tickets, teams: Teams, threshold: Threshold) -> None:
        self._hub = hub
        self._tickets = tickets
        self._teams = teams
        self._threshold = threshold

    async def at_the_door(self, account: str, only: str | None = None) -> Sequence[AtTheDoor]:
        """Who waits at any of an account's rooms, or at one of them only."""
        arrivals = await self._tickets.arrivals_at(account)
        rooms = {room.id: room for room in await self._teams.rooms_of(account)} if arrivals else {}
        return [
            AtTheDoor(rooms[each.ticket.room], each, self._threshold.here(each.ticket.id), await self._known(each))
            for each in arrivals
            if each.ticket.room in rooms and only in (None, each.ticket.room)
        ]

    async def _known(self, arrival: Arrival) -> bool:
        room = await self._hub.look(arrival.ticket.room)
        is_open = room is not None and room.session is not None and room.session.id == arrival.ticket.session
        return is_open and room is not None and already_in_as(room, arrival.name) is not None

    async def waiting(self, account: str) -> int:
        """How many wait, and nothing about them."""
        return await self._tickets.waiting_at(account)


def routes(
    pages: Pages,
    desk: Desk,
    accounts: Accounts,
    teams: Teams,
    staff_only: StaffOnly,
    supervisions: Supervisions,
    invitations: Invitations,
    codes: Codes,
    opening: Opening,
    practice: Practice,
    clinic: Clinic,
    clock: Clock,
) -> list[BaseRoute]:
    async def look(request: Request, account: Account) -> Response:
        works = StaffRole.WORKER in account.roles
        return pages.show(
            request,
            "desk",
            account=account,
            works=works,
            door=await desk.at_the_door(account.id) if works else (),
            rooms=await teams.rooms_of(account.id) if works else (),
            supervised=await supervised_by(account) if StaffRole.SUPERVISOR in account.roles else (),
        )

    async def supervised_by(account: Account) -> Sequence[Account]:
        known = [await accounts.get(worker) for worker in await supervisions.workers_of(account.id)]
        return [each for each in known if each is not None]

    async def arrivals(request: Request, account: Account) -> Response:
        """For the script of the desk: has anything changed at the door? The mark says so, and names nobody."""
        door = await desk.at_the_door(account.id)
        mark = ".".join(sorted(f"{each.arrival.ticket.id[:8]}{int(each.here)}" for each in door))
        return JSONResponse({"count": len(door), "mark": mark})

    async def start(request: Request, account: Account) -> Response:
        session = await opening.start(await opening.new_room(account.id), account.id)
        await codes.make(digest(await invitations.make(session.room, session.session)))
        return to(f"/desk/rooms/{session.room}")

    async def start_practice(request: Request, account: Account) -> Response:
        return await practice.start()

    async def plan(request: Request, account: Account) -> Response:
        return await _plan(request, account)

    async def _plan(
        request: Request, account: Account, problem: str | None = None, given: FormData | None = None
    ) -> Response:
        tomorrow = datetime.fromtimestamp(clock.wall() / 1000, clinic.zone) + timedelta(days=1)
        form = given or FormData()
        return pages.show(
            request,
            "prepare",
            422 if problem else 200,
            account=account,
            problem=pages.words(PROBLEMS[problem]) if problem else None,
            rooms=[room for room in await teams.rooms_of(account.id) if room.label],
            room=form.get("room", request.query_params.get("room", "")),
            day=form.get("day", f"{tomorrow:%Y-%m-%d}"),
            time=form.get("time", ""),
            label=form.get("label", ""),
        )

    async def prepare(request: Request, account: Account) -> Response:
        form = await form_of(request)
        planned_at = to_come(field(form, "day"), field(form, "time"), clinic.zone, clock.wall())
        if planned_at is None:
            return await _plan(request, account, "time", form)
        wanted = field(form, "room")
        if wanted and await teams.room_of(wanted, account.id) is None:
            return await _plan(request, account, "room", form)
        label = field(form, "label")
        if not wanted and label.strip() and clean_name(label) is None:
            return await _plan(request, account, "label", form)
        room = wanted or await opening.new_room(account.id)
        if not wanted and label.strip():
            await teams.name_room(room, label)
        session = await opening.prepare(room, account.id, planned_at)
        await invitations.make(room, session.session)
        return to(f"/desk/rooms/{room}")

    return [
        Route("/desk", staff_only(look, StaffRole.WORKER, StaffRole.SUPERVISOR)),
        Route("/desk/arrivals", staff_only(arrivals, StaffRole.WORKER, counts=False)),
        Route("/desk/sessions", staff_only(start, StaffRole.WORKER), methods=["POST"]),
        Route("/desk/practice", staff_only(start_practice, StaffRole.WORKER), methods=["POST"]),
        Route("/desk/prepare", staff_only(plan, StaffRole.WORKER)),
        Route("/desk/prepare", staff_only(prepare, StaffRole.WORKER), methods=["POST"]),
    ]
