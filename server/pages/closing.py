"""The closing page: what came of a session, plainly, on the devices that were in it, for a day ([SE8])."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from rooms import why_not
from server.content import Content
from server.identity import Ticket
from server.pages.notes import written
from server.pages.rendering import Pages
from server.ports import Store


class ClosingPages:
    def __init__(self, pages: Pages, store: Store, content: Content) -> None:
        self._pages = pages
        self._store = store
        self._content = content

    async def why_not(self, ticket: Ticket) -> str | None:
        """Who was put out or left before the end has nothing to see of it: the code of `rooms.why_not` at the end."""
        kept = await self._store.closed(ticket.session)
        return None if kept is None else why_not(kept.room, ticket.participant, ticket.id)

    async def show(self, request: Request, ticket: Ticket) -> Response:
        """For an admitted ticket of a session that has ended."""
        kept = await self._store.closed(ticket.session)
        if kept is None or kept.room.session is None:
            return self._pages.show(request, "over", 410)
        room, session = kept.room, kept.room.session
        row = await self._store.session(ticket.session)
        known = (self._content.pages.get(page) for page in session.opened)
        return self._pages.show(
            request,
            "closing",
            ticket=ticket.id,
            at=row.opened_at if row is not None else None,
            practice=session.practice,
            names=list(dict.fromkeys(person.name for person in room.participants.values() if not person.removed)),
            notes=written(kept.document().texts()),
            titles=[page.title for page in known if page is not None],
            pack_language=self._content.pack.language,
            staff=ticket.account is not None,
        )
