"""The desk of a worker: start a session, give the link to the other person, go in, end it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rooms import SERVER, Actor, EndSession, Refusal, Room
from rooms.events import Role
from server.hub import Hub
from server.identity import Account, Accounts, Invitations, StaffSessions, Tickets
from server.pages.cookies import give_ticket
from server.pages.opening import Opening, Refused, participant_here
from server.pages.practice import Practice
from server.pages.rendering import Pages, to
from server.pages.sign_in import signed_in
from server.ports import NewId, OpenSessionRow, Store
from server.words import N_

NOT_YOURS = N_("This session is not on your desk any more.")

Answer = Callable[[Request, Account], Awaitable[Response]]
AnswerFor = Callable[[Request, Account, OpenSessionRow], Awaitable[Response]]


class OnDesk(msgspec.Struct, frozen=True):
    """One session as the desk shows it. `link` is there while nobody has used it; `names` are the others who are in."""

    room: str
    names: tuple[str, ...]
    link: str | None


def routes(
    pages: Pages,
    store: Store,
    hub: Hub,
    accounts: Accounts,
    staff: StaffSessions,
    tickets: Tickets,
    invitations: Invitations,
    opening: Opening,
    practice: Practice,
    new_id: NewId,
) -> list[BaseRoute]:
    async def desk(request: Request, account: Account) -> Response:
        sessions = [await on_desk(row) for row in await sessions_of(account)]
        return pages.show(request, "desk", account=account, sessions=sessions)

    async def start(request: Request, account: Account) -> Response:
        room, _ = await opening.open(account.id)
        await invitations.make(room)
        await opening.join(room, new_id(), Role.WORKER, account.name_and_job)
        return to("/desk")  # *Go in* is what gives a ticket.

    async def start_practice(request: Request, account: Account) -> Response:
        return await practice.start()

    async def enter(request: Request, account: Account, row: OpenSessionRow) -> Response:
        room = await hub.look(row.room)
        here = participant_here(room, Role.WORKER) if room is not None else None
        if here is not None:
            new = await tickets.create(row.room, row.session, here, Role.WORKER)
        else:
            new = await opening.let_in(row.room, row.session, Role.WORKER, account.name_and_job)
        response = to(f"/s/{new.ticket.id}")
        give_ticket(response, new, pages.settings.secure)
        return response

    async def new_link(request: Request, account: Account, row: OpenSessionRow) -> Response:
        await invitations.make(row.room)
        return to("/desk")

    async def end(request: Request, account: Account, row: OpenSessionRow) -> Response:
        room = await hub.look(row.room)
        here = participant_here(room, Role.WORKER) if room is not None else None
        ended = await hub.ask(row.room, SERVER if here is None else Actor(here), EndSession())
        if isinstance(ended, Refusal) and ended.code != "session_ended":
            raise Refused(ended.code)
        return to("/desk")

    async def sessions_of(account: Account) -> Sequence[OpenSessionRow]:
        """The account's own sessions that have not ended, newest first."""
        rows = [row for row in await store.sessions() if row.account == account.id and row.ended_at is None]
        return sorted(rows, key=lambda row: row.opened_at, reverse=True)

    async def on_desk(row: OpenSessionRow) -> OnDesk:
        room = await hub.look(row.room)
        token = await invitations.current(row.room)
        link = f"{pages.settings.public_url}/join/{token}" if token else None
        return OnDesk(row.room, _others_in(room), link)

    def staff_only(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            account = await signed_in(request, accounts, staff)
            return await answer(request, account) if account else to("/sign-in")

        return checked

    def own_session(answer: AnswerFor) -> Callable[[Request], Awaitable[Response]]:
        async def found(request: Request, account: Account) -> Response:
            for row in await sessions_of(account):
                if row.room == request.path_params["room"]:
                    return await answer(request, account, row)
            return pages.plain(request, pages.words(NOT_YOURS), 404)

        return staff_only(found)

    return [
        Route("/desk", staff_only(desk)),
        Route("/desk/sessions", staff_only(start), methods=["POST"]),
        Route("/desk/practice", staff_only(start_practice), methods=["POST"]),
        Route("/desk/sessions/{room}/enter", own_session(enter), methods=["POST"]),
        Route("/desk/sessions/{room}/link", own_session(new_link), methods=["POST"]),
        Route("/desk/sessions/{room}/end", own_session(end), methods=["POST"]),
    ]


def _others_in(room: Room | None) -> tuple[str, ...]:
    if room is None:
        return ()
    return tuple(each.name for each in room.participants.values() if each.role is not Role.WORKER and not each.left)
