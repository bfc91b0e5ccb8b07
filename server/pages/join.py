"""The door: what a person reads before they come in, and their name. Looking at the link uses nothing up."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import Invitation, Invitations, Ticket
from server.pages.cookies import give_ticket
from server.pages.opening import Opening, Refused
from server.pages.rendering import Pages, field, form_of, to
from server.ports import StoreUnavailable
from server.words import N_

NO_LINK = N_("This link does not lead anywhere. Please look at the message it came in, or ask for a new link.")
CLOSED = {
    "used": N_("A link works for one device, and this one has its device. For another device, ask for a new link."),
    "revoked": N_("There is a newer link. Please use that one, or ask for it."),
    "over": N_("This session has ended. You do not need to do anything."),
}


def routes(pages: Pages, invitations: Invitations, opening: Opening) -> list[BaseRoute]:
    async def look(request: Request) -> Response:
        invitation = await invitations.look(_token(request))
        if invitation is None or invitation.state != "open":
            return _closed(request, invitation)
        return _door(request)

    async def come_in(request: Request) -> Response:
        invitation = await invitations.look(_token(request))
        if invitation is None or invitation.state != "open":
            return _closed(request, invitation)
        name = field(await form_of(request), "name")
        known_as = await opening.already_in_as(invitation.room, invitation.role, name)
        refused = None if known_as else await opening.would_refuse(invitation.room, invitation.role, name)
        if refused is not None:
            return _door(request, 422, name=name, problem=pages.words.refusal(refused))
        return await _bind(request, invitation, name, known_as)

    async def _bind(request: Request, invitation: Invitation, name: str, known_as: str | None) -> Response:
        new = await invitations.bind(_token(request), invitation, known_as)
        if new is None:
            return _closed(request, await invitations.look(_token(request)))
        problem = await _joining_problem(new.ticket, name)
        if problem is None:
            response = to(f"/s/{new.ticket.id}")
        else:
            # The link is this device's now, whatever came in between: from here on its ticket's own address asks again.
            status, sentence = problem
            response = _door(request, status, name=name, problem=sentence, action=f"/s/{new.ticket.id}/name")
        give_ticket(response, new, pages.settings.secure)
        return response

    async def _joining_problem(ticket: Ticket, name: str) -> tuple[int, str] | None:
        """Another person was quicker with the name or the last place, or the store does not answer."""
        try:
            await opening.join(ticket.room, ticket.participant, ticket.role, name)
        except Refused as refused:
            return 422, pages.words.refusal(refused.code)
        except StoreUnavailable:
            return 503, pages.words.refusal("busy")
        return None

    def _door(
        request: Request, status: int = 200, name: str = "", problem: str | None = None, action: str | None = None
    ) -> Response:
        here = action or f"/join/{_token(request)}"
        return pages.show(request, "join", status, action=here, name=name, problem=problem)

    def _closed(request: Request, invitation: Invitation | None) -> Response:
        if invitation is None:
            return pages.plain(request, pages.words(NO_LINK), 404)
        ticket = invitation.ticket if invitation.state == "used" else None
        return pages.show(request, "closed_door", 410, sentence=pages.words(CLOSED[invitation.state]), ticket=ticket)

    return [Route("/join/{token}", look), Route("/join/{token}", come_in, methods=["POST"])]


def _token(request: Request) -> str:
    return str(request.path_params["token"])
