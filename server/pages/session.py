"""The session page: complete and usable as it comes from the server; the script only makes it live."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rooms import Actor, Command, Dismiss, EndSession, Leave, Refusal, Suggest, TurnPage, View, view_of, why_not
from rooms.events import Role
from server.content import Content
from server.hub import Hub, Reading
from server.identity import State, Ticket, Tickets, here_cookie
from server.pages.closing import ClosingPages
from server.pages.cookies import take_here, take_ticket
from server.pages.desk import Desk
from server.pages.notes import boxes
from server.pages.rendering import Pages, field, form_of, have_form, to
from server.pages.waiting import WaitingPages
from server.ports import StoreUnavailable
from server.removals import Removals
from server.words import N_

log = structlog.get_logger("pages")

NOT_HERE = N_("This session is not open in this browser. Please ask the person who gave you the link for a new one.")
NO_PAGE = N_("That page is not part of this session. Please choose another one.")

TICKET_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LEFT = "/left"
OUT = ("left", "not_here", "no_session", "session_ended")
"""Refusals of who is not in the session any more, since they were looked at. Their own address says why."""


class Seated(msgspec.Struct, frozen=True):
    """A device that holds a ticket, and what its participant may see now."""

    ticket: Ticket
    reading: Reading
    view: View

    @property
    def actor(self) -> Actor:
        return Actor(self.ticket.participant, device=self.ticket.id)


AnswerHeld = Callable[[Request, Ticket], Awaitable[Response]]
AnswerSeated = Callable[[Request, Seated], Awaitable[Response]]
SAID_BY_THE_SCRIPT = (
    "connection.",
    "person.",
    "page.",
    "move.",
    "alone.",
    "card.",
    "mark.",
    "point.",
    "suggest.",
    "reading.",
    "leave.",
    "end.",
    "desk.",
    "notes.",
    "refused.",
)
"""Beginnings of the keys of `words.CLIENT_WORDS`."""


def routes(
    pages: Pages,
    hub: Hub,
    tickets: Tickets,
    removals: Removals,
    content: Content,
    waiting: WaitingPages,
    closing: ClosingPages,
    desk: Desk,
    sign_in_used: Callable[[str], None],
) -> list[BaseRoute]:
    secure = pages.settings.secure

    def held(answer: AnswerHeld) -> Callable[[Request], Awaitable[Response]]:
        """Answer only a device that holds the ticket."""

        async def checked(request: Request) -> Response:
            await have_form(request)
            ticket = await tickets.find(_ticket_id(request), request.cookies)
            if ticket is None:
                return pages.plain(request, pages.words(NOT_HERE), 403)
            return await answer(request, ticket)

        return checked

    def seated(answer: AnswerSeated) -> Callable[[Request], Awaitable[Response]]:
        """Answer only a device that holds the ticket of a participant who is in a session that goes on."""

        async def checked(request: Request, ticket: Ticket) -> Response:
            if ticket.state is State.WAITING:
                return await waiting.show(request, ticket)
            if ticket.state is State.TURNED_AWAY:
                return waiting.turned_away(request)
            reading = await hub.read(ticket.room)
            room = reading.room if reading is not None else None
            session = room.session if room is not None else None
            if reading is None or room is None or session is None or session.id != ticket.session:
                return await _not_in(request, ticket, "session_ended")
            code = why_not(room, ticket.participant, ticket.id)
            if code is not None or ticket.state is not State.ADMITTED:
                return await _not_in(request, ticket, code)
            view = view_of(room, ticket.participant)
            assert view is not None, "whoever is not kept out sees something ([VW1])"
            return await answer(request, Seated(ticket, reading, view))

        return held(checked)

    async def _not_in(request: Request, ticket: Ticket, code: str | None) -> Response:
        if code == "session_ended":
            code = await closing.why_not(ticket)
        if ticket.state is State.REMOVED or code == "removed":
            return _out_of_it(request, ticket, "removed")
        if ticket.state is State.LEFT or code == "left":
            return _out_of_it(request, ticket, "left")  # They may have left on another device.
        return await closing.show(request, ticket)

    def _out_of_it(request: Request, ticket: Ticket, template: str) -> Response:
        response = pages.show(request, template, 410)
        take_ticket(response, ticket.id, secure)
        return response

    async def show(request: Request, seat: Seated) -> Response:
        return await _session_page(request, seat)

    async def _session_page(request: Request, seat: Seated, status: int = 200, notice: str | None = None) -> Response:
        ticket, view = seat.ticket, seat.view
        key = await tickets.device_key(ticket)
        titles = {each: content.pages[each].title for each in view.pages if each in content.pages}
        people = hub.people(ticket.room)
        boot = {
            "ticket": ticket.id,
            "live": f"/s/{ticket.id}/live/",
            "view": msgspec.to_builtins(view),
            "notes": msgspec.to_builtins(seat.reading.words),
            "key": msgspec.to_builtins(key),
            "here": msgspec.to_builtins(people),
            "titles": titles,
            "words": pages.words.for_browser(*SAID_BY_THE_SCRIPT),
            "left": LEFT,
        }
        return pages.show(
            request,
            "session",
            status,
            ticket=ticket.id,
            view=view,
            here=[each.id for each in people],
            page=content.pages.get(view.page or ""),
            titles=titles,
            pack_language=content.pack.language,
            worker=ticket.role is Role.WORKER,
            notice=notice,
            boxes=boxes(seat.reading.texts),
            boot=boot,
        )

    async def fragment(request: Request, seat: Seated) -> Response:
        page_id = str(request.path_params["page"])
        page = content.pages.get(page_id)
        if page is None or page_id not in seat.view.pages:
            return pages.plain(request, pages.words(NO_PAGE), 404)
        # Whoever comes by a link, without the script that would have fetched it, gets a page around it.
        template = "page_alone" if request.headers.get("sec-fetch-dest") == "document" else "page"
        return pages.show(request, template, ticket=seat.ticket.id, page=page, pack_language=content.pack.language)

    async def turn(request: Request, seat: Seated) -> Response:
        page = field(await form_of(request), "page")
        return await _carried_out(request, seat, TurnPage(page))

    async def suggest(request: Request, seat: Seated) -> Response:
        page = field(await form_of(request), "page")
        return await _carried_out(request, seat, Suggest(page))

    async def dismiss(request: Request, seat: Seated) -> Response:
        page = field(await form_of(request), "page")
        return await _carried_out(request, seat, Dismiss(page))

    async def end(request: Request, seat: Seated) -> Response:
        return await _carried_out(request, seat, EndSession())

    async def remove(request: Request, seat: Seated) -> Response:
        person = field(await form_of(request), "person")
        outcome = await removals.participant(seat.ticket.room, seat.actor, person)
        return await _answered(request, seat, outcome)

    async def _carried_out(request: Request, seat: Seated, command: Command) -> Response:
        return await _answered(request, seat, await hub.ask(seat.ticket.room, seat.actor, command))

    async def _answered(request: Request, seat: Seated, outcome: object) -> Response:
        if isinstance(outcome, Refusal) and outcome.code not in OUT:
            return await _session_page(request, seat, 409, pages.words.refusal(outcome.code))
        return to(f"/s/{seat.ticket.id}")

    async def news(request: Request, ticket: Ticket) -> Response:
        return await waiting.news(ticket)

    async def arrivals(request: Request, seat: Seated) -> Response:
        """How many wait at the worker's desk. Asked by a window in a live session, which is no idleness."""
        ticket = seat.ticket
        if ticket.account is None:
            raise HTTPException(404)
        if ticket.sign_in is not None:
            sign_in_used(ticket.sign_in)
        return JSONResponse({"count": await desk.waiting(ticket.account)})

    async def topic(request: Request, ticket: Ticket) -> Response:
        if ticket.state is not State.WAITING:
            return to(f"/s/{ticket.id}")
        return await waiting.topic(request, ticket, str(request.path_params["page"]))

    async def leave(request: Request) -> Response:
        """With one cookie only: the script has deleted the other one before it asks for this."""
        ticket_id = _ticket_id(request)
        try:
            ticket = await tickets.held(ticket_id, request.cookies)
            waits = ticket is not None and ticket.state is State.WAITING
            if ticket is not None and not ticket.ended and not (waits and await tickets.stop_waiting(ticket.id)):
                left = await hub.ask(ticket.room, Actor(ticket.participant), Leave())
                if isinstance(left, Refusal) and left.code != "left":
                    # The session has ended: its closing page goes from this device only.
                    await tickets.end(ticket.id, State.LEFT)
                else:
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

    return [
        Route("/s/{ticket}", seated(show)),
        Route("/s/{ticket}/page/{page}", seated(fragment)),
        Route("/s/{ticket}/turn", seated(turn), methods=["POST"]),
        Route("/s/{ticket}/suggest", seated(suggest), methods=["POST"]),
        Route("/s/{ticket}/dismiss", seated(dismiss), methods=["POST"]),
        Route("/s/{ticket}/end", seated(end), methods=["POST"]),
        Route("/s/{ticket}/leave", leave, methods=["POST"]),
        Route("/s/{ticket}/remove", seated(remove), methods=["POST"]),
        Route("/s/{ticket}/arrivals", seated(arrivals)),
        Route("/s/{ticket}/news", held(news)),
        Route("/s/{ticket}/topic/{page}", held(topic)),
    ]


def _ticket_id(request: Request) -> str:
    """The ticket in the address. What cannot be one names no cookie, either."""
    ticket = str(request.path_params["ticket"])
    if not TICKET_ID.fullmatch(ticket):
        raise HTTPException(404)
    return ticket
