"""Practice: one browser, two windows, a worker and a pretend person. Nothing of it is kept."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rooms.events import Role
from server.hub import Hub
from server.identity import Tickets
from server.pages.cookies import give_practice, give_ticket, practice_tickets
from server.pages.opening import Opening
from server.pages.rendering import Pages, to
from server.words import N_

NAMES = {Role.WORKER: N_("Alex"), Role.SERVICE_USER: N_("Sam")}
NOT_OPEN = N_("This practice is not open in this browser. You can start a new one whenever you like.")


class Practice:
    """Starts practice sessions: for the start link and for the desk."""

    def __init__(self, pages: Pages, opening: Opening) -> None:
        self._pages = pages
        self._opening = opening

    async def start(self) -> Response:
        """Open a session with both people in it; the answer gives this browser both tickets, and goes on to the page
        that opens their windows."""
        session = await self._opening.prepare(await self._opening.new_room(), account=None)
        await self._opening.open(session)
        response = to(f"/practice/{session.session}")
        both = []
        for role, name in NAMES.items():
            new = await self._opening.let_in(session, role, self._pages.words(name))
            give_ticket(response, new, self._pages.settings.secure)
            both.append(new.ticket.id)
        give_practice(response, session.session, both, self._pages.settings.secure)
        return response


def routes(pages: Pages, hub: Hub, tickets: Tickets) -> list[BaseRoute]:
    async def windows(request: Request) -> Response:
        session = str(request.path_params["session"])
        given = practice_tickets(request.cookies)
        both = {ticket.role: ticket for ticket in await tickets.of_session(session) if ticket.id in given}
        # Asked only for a session whose tickets this browser was given: made-up names must not open rooms here.
        room = await hub.look(both[Role.WORKER].room) if both else None
        if room is None or room.session is None or not room.session.practice or room.session.ended:
            return pages.plain(request, pages.words(NOT_OPEN), 404)
        people = [(pages.words(shown), both[role].id) for role, shown in NAMES.items() if role in both]
        return pages.show(request, "practice", people=people)

    return [Route("/practice/{session}", windows)]
