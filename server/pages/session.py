"""The session page: complete and usable as it comes from the server; the script only makes it live."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rooms import Actor, Command, EndSession, Leave, Refusal, Room, TurnPage, View, view_of
from rooms.events import Role
from server.content import Content
from server.hub import Hub
from server.identity import Ticket, Tickets, here_cookie
from server.pages.cookies import take_here, take_ticket
from server.pages.opening import Opening, Refused
from server.pages.rendering import Pages, field, form_of, to
from server.ports import StoreUnavailable
from server.words import N_

log = structlog.get_logger("pages")

NOT_HERE = N_("This session is not open in this browser. Please use your link again, or ask for a new one.")
NO_PAGE = N_("That page is not part of this session. Please choose another one.")

TICKET_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LEFT = "/left"
OVER = "/over"


class Seated(msgspec.Struct, frozen=True):
    """A device that holds a ticket, and what its participant may see now."""

    ticket: Ticket
    view: View

    @property
    def actor(self) -> Actor:
        return Actor(self.ticket.participant)


AnswerSeated = Callable[[Request, Seated], Awaitable[Response]]


def routes(pages: Pages, hub: Hub, tickets: Tickets, opening: Opening, content: Content) -> list[BaseRoute]:
    secure = pages.settings.secure

    def seated(answer: AnswerSeated) -> Callable[[Request], Awaitable[Response]]:
        """Answer only a device that holds the ticket of a participant who is in a session that goes on."""

        async def checked(request: Request) -> Response:
            ticket = await tickets.find(_ticket_id(request), request.cookies)
            if ticket is None:
                return pages.plain(request, pages.words(NOT_HERE), 403)
            room = await hub.look(ticket.room)
            view = view_of(room, ticket.participant) if room is not None and not ticket.ended else None
            if view is None or view.ended:
                return _not_in(request, ticket, room)
            return await answer(request, Seated(ticket, view))

        return checked

    def _not_in(request: Request, ticket: Ticket, room: Room | None) -> Response:
        if room is None or room.session is None or room.session.ended:
            return pages.show(request, "over", 410)
        if ticket.ended or ticket.participant in room.participants:
            response = pages.show(request, "left", 410)
            take_ticket(response, ticket.id, secure)  # They may have left on another device.
            return response
        return _door(request, ticket)

    def _door(request: Request, ticket: Ticket, name: str = "", problem: str | None = None) -> Response:
        action = f"/s/{ticket.id}/name"
        return pages.show(request, "join", 422 if problem else 200, action=action, name=name, problem=problem)

    async def show(request: Request, seat: Seated) -> Response:
        return _session_page(request, seat)

    def _session_page(request: Request, seat: Seated, status: int = 200, notice: str | None = None) -> Response:
        ticket, view = seat.ticket, seat.view
        here = sorted(hub.here(ticket.room))
        boot = {
            "ticket": ticket.id,
            "live": f"/s/{ticket.id}/live/",
            "view": msgspec.to_builtins(view),
            "here": here,
            "words": pages.words.for_browser("connection.", "person.", "page.", "move.", "leave.", "end.", "refused."),
            "left": LEFT,
            "over": OVER,
        }
        return pages.show(
            request,
            "session",
            status,
            ticket=ticket.id,
            view=view,
            here=here,
            page=content.pages.get(view.page or ""),
            pack_language=content.pack.language,
            worker=ticket.role is Role.WORKER,
            notice=notice,
            boot=boot,
        )

    async def fragment(request: Request, seat: Seated) -> Response:
        page_id = str(request.path_params["page"])
        page = content.pages.get(page_id)
        if page is None or page_id not in seat.view.pages:
            return pages.plain(request, pages.words(NO_PAGE), 404)
        return pages.show(request, "page", ticket=seat.ticket.id, page=page, pack_language=content.pack.language)

    async def turn(request: Request, seat: Seated) -> Response:
        page = field(await form_of(request), "page")
        refused = await _refused(seat, TurnPage(page))
        if refused is not None:
            return _session_page(request, seat, 409, pages.words.refusal(refused))
        return to(f"/s/{seat.ticket.id}")

    async def end(request: Request, seat: Seated) -> Response:
        refused = await _refused(seat, EndSession())
        if refused is not None:
            return _session_page(request, seat, 409, pages.words.refusal(refused))
        response = to(OVER)
        take_ticket(response, seat.ticket.id, secure)
        return response

    async def _refused(seat: Seated, command: Command) -> str | None:
        outcome = await hub.ask(seat.ticket.room, seat.actor, command)
        return outcome.code if isinstance(outcome, Refusal) else None

    async def leave(request: Request) -> Response:
        """With one cookie only: the script has deleted the other one before it asks for this."""
        ticket_id = _ticket_id(request)
        try:
            ticket = await tickets.held(ticket_id, request.cookies)
            if ticket is not None and not ticket.ended:
                await hub.ask(ticket.room, Actor(ticket.participant), Leave())
                await tickets.end_participant(ticket.room, ticket.participant)
        except StoreUnavailable:
            log.warning("leave_not_told")
            return _left_here(request, ticket_id)
        response = to(LEFT)
        take_ticket(response, ticket_id, secure)
        return response

    def _left_here(request: Request, ticket: str) -> Response:
        """Leaving is not held up: nothing opens on this device any more. The cookie that is good for leaving stays."""
        response = pages.show(request, "left_here", 503, ticket=ticket)
        response.headers["Retry-After"] = "2"
        if here_cookie(ticket) in request.cookies:
            take_here(response, ticket, secure)
        return response

    async def name(request: Request) -> Response:
        """The door once more, for a device whose link is bound and whose name was taken at that very moment."""
        ticket = await tickets.check(_ticket_id(request), request.cookies)
        if ticket is None:
            return pages.plain(request, pages.words(NOT_HERE), 403)
        wanted = field(await form_of(request), "name")
        try:
            await opening.join(ticket.room, ticket.participant, ticket.role, wanted)
        except Refused as refused:
            if refused.code not in ("session_ended", "left"):  # Another name would not help: the page says what is so.
                return _door(request, ticket, wanted, pages.words.refusal(refused.code))
        return to(f"/s/{ticket.id}")

    return [
        Route("/s/{ticket}", seated(show)),
        Route("/s/{ticket}/page/{page}", seated(fragment)),
        Route("/s/{ticket}/turn", seated(turn), methods=["POST"]),
        Route("/s/{ticket}/end", seated(end), methods=["POST"]),
        Route("/s/{ticket}/leave", leave, methods=["POST"]),
        Route("/s/{ticket}/name", name, methods=["POST"]),
    ]


def _ticket_id(request: Request) -> str:
    """The ticket in the address. What cannot be one names no cookie, either."""
    ticket = str(request.path_params["ticket"])
    if not TICKET_ID.fullmatch(ticket):
        raise HTTPException(404)
    return ticket
