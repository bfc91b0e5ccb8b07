"""The waiting page of who has knocked: kind words, something to look at, and nothing of the session ([DR3])."""

from __future__ import annotations

from collections import OrderedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.content import Content
from server.identity import Account, Accounts, Arrival, State, Ticket, Tickets
from server.pages.rendering import Pages
from server.ports import Clock, SessionRow, Store
from server.words import N_

HERE_FOR = 15.0
"""Seconds after the last question of a waiting page for which its person counts as there. It asks every 2 s."""
REMEMBERED = 4096
KIND_WORDS_AFTER = (5 * 60, 15 * 60)
"""Seconds after which the page says that it takes longer, and whom to call."""
NO_TOPIC = N_("There is no page at this address. Please go back and choose another one.")


class Seen(msgspec.Struct, frozen=True):
    """What a waiting person sees, on either page. `long`: how many of `KIND_WORDS_AFTER` have passed."""

    ticket: str
    name: str
    worker: Account | None
    sentence: str
    language: str
    long: int
    boot: dict[str, object]


class Threshold:
    """Which waiting pages are open at the moment: ephemeral, known to this process only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    def seen(self, ticket: str) -> None:
        self._seen[ticket] = self._clock.monotonic()
        self._seen.move_to_end(ticket)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def here(self, ticket: str) -> bool:
        return self._clock.monotonic() - self._seen.get(ticket, float("-inf")) <= HERE_FOR


class WaitingPages:
    """What a ticket's address shows while it waits, and when it was turned away."""

    def __init__(
        self,
        pages: Pages,
        tickets: Tickets,
        store: Store,
        accounts: Accounts,
        content: Content,
        threshold: Threshold,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._tickets = tickets
        self._store = store
        self._accounts = accounts
        self._content = content
        self._threshold = threshold
        self._clock = clock

    async def show(self, request: Request, ticket: Ticket) -> Response:
        """The waiting page itself."""
        waiting = await self._waiting(ticket)
        if waiting is None:
            return self._pages.show(request, "over", 410)
        topics = self._content.pages[self._content.pack.home].choices
        return self._pages.show(request, "waiting", topics=topics, seen=await self._seen(*waiting))

    async def topic(self, request: Request, ticket: Ticket, page: str) -> Response:
        """A page of the pack, to be read alone meanwhile."""
        waiting, found = await self._waiting(ticket), self._content.pages.get(page)
        if waiting is None:
            return self._pages.show(request, "over", 410)
        if found is None:
            return self._pages.plain(request, self._pages.words(NO_TOPIC), 404)
        return self._pages.show(request, "topic", page=found, seen=await self._seen(*waiting))

    def turned_away(self, request: Request) -> Response:
        return self._pages.show(request, "turned_away", 410)

    async def news(self, ticket: Ticket) -> Response:
        """What the page's script asks every 2 s: has anything come of it?"""
        if ticket.state is not State.WAITING:
            return JSONResponse({"state": ticket.state.value, "sentence": ""})
        waiting = await self._waiting(ticket)
        if waiting is None:
            return JSONResponse({"state": "over", "sentence": ""})
        return JSONResponse({"state": ticket.state.value, "sentence": waiting[0].sentence})

    async def _waiting(self, ticket: Ticket) -> tuple[Arrival, SessionRow] | None:
        """Who waits and for what; None when that is over. Whoever asks is there."""
        session = await self._store.session(ticket.session)
        arrival = await self._tickets.arrival(ticket)
        if arrival is None or session is None or session.ended_at is not None:
            return None
        self._threshold.seen(ticket.id)
        return arrival, session

    async def _seen(self, arrival: Arrival, session: SessionRow) -> Seen:
        waited = (self._clock.wall() - arrival.ticket.at) // 1000
        words = self._pages.words.for_browser("waiting.")
        return Seen(
            ticket=arrival.ticket.id,
            name=arrival.name,
            worker=await self._accounts.get(session.account or ""),
            sentence=arrival.sentence,
            language=self._content.pack.language,
            long=sum(waited >= after for after in KIND_WORDS_AFTER),
            boot={"ticket": arrival.ticket.id, "waited": waited, "later": KIND_WORDS_AFTER, "words": words},
        )
