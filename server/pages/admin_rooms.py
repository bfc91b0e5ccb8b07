"""What admins do about rooms: who is in the team of each. They see the label, and nothing of any session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.clinic import Clinic
from server.identity import Account, Accounts, LastMember, Member, StaffRole, TeamRoom, Teams
from server.pages.days import beginning_of, end_of
from server.pages.rendering import Pages, field, form_of, to
from server.pages.staff_only import StaffOnly
from server.ports import Clock
from server.removals import Removals
from server.words import N_

PROBLEMS = {
    "last_member": N_("A team needs a lead. Please make another person the lead first."),
    "days": N_("Please give a first and a last day that are still to come, or leave them empty."),
    "not_yet": N_("Only a person who is in the team today can lead it."),
    "not_a_worker": N_("Only workers can be in a team. Please choose one from the list."),
}

AnswerRoom = Callable[[Request, Account, TeamRoom], Awaitable[Response]]


class InTeam(msgspec.Struct, frozen=True):
    member: Member
    account: Account


def routes(
    pages: Pages,
    accounts: Accounts,
    teams: Teams,
    removals: Removals,
    staff_only: StaffOnly,
    clinic: Clinic,
    clock: Clock,
) -> list[BaseRoute]:
    async def look(request: Request, admin: Account) -> Response:
        return pages.show(request, "admin_rooms", account=admin, rooms=await teams.all_rooms())

    async def about(request: Request, admin: Account, room: TeamRoom) -> Response:
        return await _page(request, admin, room)

    async def add(request: Request, admin: Account, room: TeamRoom) -> Response:
        form = await form_of(request)
        wanted = await accounts.get(field(form, "account"))
        if wanted is None or StaffRole.WORKER not in wanted.roles:
            return await _page(request, admin, room, "not_a_worker")
        first, last = field(form, "from"), field(form, "to")
        from_at, to_at = beginning_of(first, clinic.zone), end_of(last, clinic.zone)
        now = clock.wall()
        began_before = first and (end_of(first, clinic.zone) or 0) <= now
        ends_before = last and (to_at is None or to_at <= max(from_at or now, now))
        if began_before or ends_before:
            return await _page(request, admin, room, "days")
        await teams.add(room.id, wanted.id, from_at, to_at)
        return to(_address(room))

    async def remove(request: Request, admin: Account, room: TeamRoom) -> Response:
        wanted = field(await form_of(request), "account")
        try:
            await teams.remove(room.id, wanted)
        except LastMember:
            return await _page(request, admin, room, "last_member")
        await removals.member(room.id, wanted)
        return to(_address(room))

    async def lead(request: Request, admin: Account, room: TeamRoom) -> Response:
        wanted = field(await form_of(request), "account")
        if wanted not in [member.account for member in await teams.current(room.id)]:
            return await _page(request, admin, room, "not_yet")
        await teams.lead(room.id, wanted)
        return to(_address(room))

    def one(answer: AnswerRoom) -> Callable[[Request], Awaitable[Response]]:
        """Answer about the room in the address."""

        async def checked(request: Request, admin: Account) -> Response:
            room = await teams.get(str(request.path_params["room"]))
            if room is None or not await teams.members(room.id):
                raise HTTPException(404)
            return await answer(request, admin, room)

        return staff_only(checked, StaffRole.ADMIN)

    async def _page(request: Request, admin: Account, room: TeamRoom, problem: str | None = None) -> Response:
        by_id = {each.account.id: each for each in await accounts.all()}
        team = [InTeam(member, by_id[member.account].account) for member in await teams.not_over(room.id)]
        inside = {each.account.id for each in team}
        others = [
            each.account
            for each in by_id.values()
            if StaffRole.WORKER in each.account.roles and not each.disabled and each.account.id not in inside
        ]
        return pages.show(
            request,
            "admin_room",
            422 if problem else 200,
            account=admin,
            room=room,
            team=team,
            others=others,
            problem=pages.words(PROBLEMS[problem]) if problem else None,
        )

    room = "/admin/rooms/{room}"
    return [
        Route("/admin/rooms", staff_only(look, StaffRole.ADMIN)),
        Route(room, one(about)),
        Route(f"{room}/add", one(add), methods=["POST"]),
        Route(f"{room}/remove", one(remove), methods=["POST"]),
        Route(f"{room}/lead", one(lead), methods=["POST"]),
    ]


def _address(room: TeamRoom) -> str:
    return f"/admin/rooms/{room.id}"
