"""The door: what a person reads before they knock, and their name. Looking at it uses nothing up ([DR2])."""

from __future__ import annotations

import re

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import Accounts, Invitation, Invitations
from server.pages.cookies import give_ticket
from server.pages.opening import Opening, Refused
from server.pages.rendering import Pages, field, form_of, have_form, to
from server.words import N_

NO_LINK = N_(
    "This link leads nowhere. A part of it may be missing. Please open it from the message again, or ask for a new one."
)
CLOSED = {
    "used": N_(
        "This link works for one device only, and one has come in with it. For another device, ask for a new link."
    ),
    "revoked": N_("This link does not work any more. Please use the newest one you were sent, or ask for a new link."),
    "over": N_(
        "This session is over, or it was called off. You do not need to do anything. To meet, ask for a new link."
    ),
}
IN_AN_APP = re.compile(r"FBAN|FBAV|FB_IAB|Instagram|Line/|MicroMessenger|Snapchat|; wv\)|GSA/|Twitter")
"""Browsers inside other apps, by what they say of themselves. They often forget everything when they are closed."""


class Door:
    """Shows the door, and lets people knock. `by_code` is for who has no link but a code."""

    def __init__(self, pages: Pages, invitations: Invitations, opening: Opening, accounts: Accounts) -> None:
        self._pages = pages
        self._invitations = invitations
        self._opening = opening
        self._accounts = accounts

    async def by_link(self, request: Request) -> Response:
        """GET: what to know before one knocks. POST: knock."""
        await have_form(request)
        token = str(request.path_params["token"])
        invitation = await self._invitations.look(token)
        if invitation is None or invitation.state != "open":
            return self._closed(request, invitation)
        action = f"/join/{token}"
        if request.method != "POST":
            return await self._show(request, invitation, action)
        return await self._knock(request, invitation, action, await form_of(request))

    async def by_code(self, request: Request, invitation: str, code: str, form: FormData) -> Response:
        """The same for who was told a live code: it goes along as a hidden field.

        Args:
            invitation: the hash of the link that the code stands for.
            code: as it was typed.
            form: with a `name`, the person knocks; without, the door is shown.
        """
        known = await self._invitations.known(invitation)
        if known is None or known.state != "open":
            return self._closed(request, known)
        if "name" not in form:
            return await self._show(request, known, "/code", code=code)
        return await self._knock(request, known, "/code", form, code=code)

    async def _knock(
        self, request: Request, invitation: Invitation, action: str, form: FormData, code: str = ""
    ) -> Response:
        name = field(form, "name")
        try:
            new = await self._opening.knock(invitation, name)
        except Refused as refused:
            now = await self._invitations.known(invitation.hash)
            if now is None or now.state != "open":
                return self._closed(request, now)
            problem = self._pages.words.refusal(refused.code)
            return await self._show(request, invitation, action, 422, name=name, problem=problem, code=code)
        response = to(f"/s/{new.ticket.id}")
        give_ticket(response, new, self._pages.settings.secure)
        return response

    async def _show(
        self,
        request: Request,
        invitation: Invitation,
        action: str,
        status: int = 200,
        name: str = "",
        problem: str | None = None,
        code: str = "",
    ) -> Response:
        worker = await self._accounts.get(invitation.account or "")
        in_an_app = IN_AN_APP.search(request.headers.get("user-agent", "")) is not None
        return self._pages.show(
            request,
            "door",
            status,
            action=action,
            worker=worker,
            name=name,
            problem=problem,
            code=code,
            in_an_app=in_an_app,
        )

    def _closed(self, request: Request, invitation: Invitation | None) -> Response:
        pages = self._pages
        if invitation is None:
            return pages.plain(request, pages.words(NO_LINK), 404)
        if invitation.state == "early":
            return pages.show(request, "early", 403, planned_at=invitation.planned_at)
        sentence = pages.words(CLOSED[invitation.state])
        over = invitation.state == "over"
        return pages.show(request, "closed_door", 410, sentence=sentence, ticket=invitation.ticket, over=over)


def routes(door: Door) -> list[BaseRoute]:
    return [Route("/join/{token}", door.by_link, methods=["GET", "POST"])]
