"""What admins see and do: who has an account, what it is for, and whom they supervise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.identity import Account, AccountProblem, Accounts, Keeping, OnFile, StaffRole, Supervisions
from server.pages.account_problems import PROBLEMS
from server.pages.rendering import Pages, field, fields, form_of, to
from server.pages.staff_only import StaffOnly
from server.removals import Removals
from server.words import N_

ROLES = {
    StaffRole.WORKER: N_("Worker"),
    StaffRole.SUPERVISOR: N_("Supervisor"),
    StaffRole.ADMIN: N_("Admin"),
}
STATES = {
    "open": N_("In use"),
    "link": N_("Waits for the one-time link to be used"),
    "disabled": N_("Disabled"),
}

AnswerAbout = Callable[[Request, Account, OnFile], Awaitable[Response]]


def routes(
    pages: Pages,
    accounts: Accounts,
    keeping: Keeping,
    supervisions: Supervisions,
    staff_only: StaffOnly,
    put_out: Removals,
) -> list[BaseRoute]:
    roles = {role: pages.words(name) for role, name in ROLES.items()}
    states = {state: pages.words(said) for state, said in STATES.items()}

    async def show(request: Request, admin: Account) -> Response:
        return await _list(request, admin)

    async def invite(request: Request, admin: Account) -> Response:
        form = await form_of(request)
        given = {name: field(form, name) for name in ("shown", "job")}
        try:
            account, token = await keeping.invite(given["shown"], given["job"], fields(form, "role"))
        except AccountProblem as problem:
            return await _list(request, admin, given, fields(form, "role"), problem.code)
        return _link(request, admin, account, token)

    async def about(request: Request, admin: Account, found: OnFile) -> Response:
        return await _page(request, admin, found)

    async def set_roles(request: Request, admin: Account, found: OnFile) -> Response:
        try:
            now = await keeping.set_roles(found.account.id, fields(await form_of(request), "role"))
        except AccountProblem as problem:
            return await _page(request, admin, found, problem.code)
        if StaffRole.WORKER in found.account.roles - now:
            await put_out.account(found.account.id)  # What they came in as, they may not be any more.
        return to(_address(found))

    async def disable(request: Request, admin: Account, found: OnFile) -> Response:
        try:
            await keeping.disable(found.account.id)
        except AccountProblem as problem:
            return await _page(request, admin, found, problem.code)
        await put_out.account(found.account.id)
        return to(_address(found))

    async def enable(request: Request, admin: Account, found: OnFile) -> Response:
        await keeping.enable(found.account.id)
        return to(_address(found))

    async def reset(request: Request, admin: Account, found: OnFile) -> Response:
        try:
            token = await keeping.reset(found.account.id)
        except AccountProblem as problem:
            return await _page(request, admin, found, problem.code)
        await put_out.account(found.account.id)
        return _link(request, admin, found.account, token)

    async def supervise(request: Request, admin: Account, found: OnFile) -> Response:
        if not await supervisions.begin(found.account.id, field(await form_of(request), "worker")):
            return await _page(request, admin, found, "no_supervision")
        return to(_address(found))

    async def supervise_no_more(request: Request, admin: Account, found: OnFile) -> Response:
        await supervisions.end(found.account.id, field(await form_of(request), "worker"))
        return to(_address(found))

    def one(answer: AnswerAbout) -> Callable[[Request], Awaitable[Response]]:
        """Answer about the account in the address."""

        async def checked(request: Request, admin: Account) -> Response:
            found = await accounts.on_file(str(request.path_params["account"]))
            if found is None:
                raise HTTPException(404)
            return await answer(request, admin, found)

        return staff_only(checked, StaffRole.ADMIN)

    async def _list(
        request: Request,
        admin: Account,
        given: dict[str, str] | None = None,
        chosen: Collection[str] = (StaffRole.WORKER,),
        problem: str | None = None,
    ) -> Response:
        return pages.show(
            request,
            "admin",
            422 if problem else 200,
            account=admin,
            everybody=await accounts.all(),
            roles=roles,
            states=states,
            given=given or {"shown": "", "job": ""},
            chosen=chosen,
            problem=pages.words(PROBLEMS[problem]) if problem else None,
        )

    async def _page(request: Request, admin: Account, found: OnFile, problem: str | None = None) -> Response:
        everybody = await accounts.all()
        supervised = await supervisions.workers_of(found.account.id)
        supervisors = await supervisions.supervisors_of(found.account.id)
        return pages.show(
            request,
            "admin_account",
            (409 if problem in ("last_admin", "disabled") else 422) if problem else 200,
            account=admin,
            found=found,
            roles=roles,
            states=states,
            supervised=_among(everybody, supervised),
            supervisors=_among(everybody, supervisors),
            may_be_supervised=[each for each in everybody if _may_be_supervised(each, found, supervised)],
            problem=pages.words(PROBLEMS[problem]) if problem else None,
        )

    def _link(request: Request, admin: Account, account: Account, token: str) -> Response:
        """Shown in this answer and never again: what is stored of it is a hash."""
        link = f"{pages.settings.public_url}/welcome/{token}"
        return pages.show(request, "admin_link", account=admin, whose=account, link=link)

    return [
        Route("/admin", staff_only(show, StaffRole.ADMIN)),
        Route("/admin/accounts", staff_only(invite, StaffRole.ADMIN), methods=["POST"]),
        Route("/admin/accounts/{account}", one(about)),
        Route("/admin/accounts/{account}/roles", one(set_roles), methods=["POST"]),
        Route("/admin/accounts/{account}/disable", one(disable), methods=["POST"]),
        Route("/admin/accounts/{account}/enable", one(enable), methods=["POST"]),
        Route("/admin/accounts/{account}/reset", one(reset), methods=["POST"]),
        Route("/admin/accounts/{account}/supervise", one(supervise), methods=["POST"]),
        Route("/admin/accounts/{account}/supervise-no-more", one(supervise_no_more), methods=["POST"]),
    ]


def _address(found: OnFile) -> str:
    return f"/admin/accounts/{found.account.id}"


def _among(everybody: Sequence[OnFile], ids: Sequence[str]) -> list[Account]:
    by_id = {each.account.id: each.account for each in everybody}
    return [by_id[each] for each in ids]


def _may_be_supervised(each: OnFile, by: OnFile, already: Sequence[str]) -> bool:
    account = each.account
    is_worker = StaffRole.WORKER in account.roles and not each.disabled
    return is_worker and account.id != by.account.id and account.id not in already
