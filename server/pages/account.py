"""The own account: name and job, password, second step, and every place where one is signed in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from server.identity import Account, AccountProblem, Accounts, SecondSteps, SignInProblem, StaffSessions, Stage
from server.pages.account_problems import PROBLEMS, status_of
from server.pages.cookies import take_staff
from server.pages.peers import peer_of
from server.pages.rendering import Pages, field, form_of, to
from server.pages.second_step import SettingUp
from server.pages.staff_only import StaffOnly
from server.removals import Removals
from server.words import N_

DONE = {
    "name": N_("Your name and job are changed. A session that is open keeps the old ones."),
    "password": N_("Your password is changed. You are signed out everywhere else."),
    "off": N_("From now on you sign in without a code."),
}
REQUIRED = N_("Everybody who works here signs in with a code. You can set it up anew, but not switch it off.")


def routes(
    pages: Pages,
    accounts: Accounts,
    staff: StaffSessions,
    second_steps: SecondSteps,
    staff_only: StaffOnly,
    setting_up: SettingUp,
    put_out: Removals,
) -> list[BaseRoute]:
    async def show(request: Request, account: Account) -> Response:
        return await _page(request, account)

    async def rename(request: Request, account: Account) -> Response:
        form = await form_of(request)
        given = {name: field(form, name) for name in ("shown", "job")}
        try:
            await accounts.rename(account, **given)
        except AccountProblem as problem:
            return await _page(request, account, "name", problem.code, given)
        return to("/account?done=name")

    async def change_password(request: Request, account: Account) -> Response:
        form = await form_of(request)
        try:
            proven = await accounts.confirm(account, field(form, "present"), _peer(request))
            ended = await accounts.change_password(proven, field(form, "password"), staff_only.token(request))
        except (AccountProblem, SignInProblem) as problem:
            return await _page(request, account, "password", problem.code)
        for sign_in in ended:
            await put_out.sign_in(sign_in)
        return to("/account?done=password")

    async def sign_out_everywhere(request: Request, account: Account) -> Response:
        await staff.close_all(account.id)
        await put_out.account(account.id)
        response = to("/sign-in")
        take_staff(response, pages.settings.secure)
        return response

    # --- the second step ---

    async def ask_set_up(request: Request, account: Account) -> Response:
        return await setting_up.show(request, account, "/account/second-step", ask_password=True)

    async def set_up(request: Request, account: Account) -> Response:
        form = await form_of(request)
        secret = second_steps.unwrapped(account, field(form, "wrapped"))
        try:
            proven = await accounts.confirm(account, field(form, "password"), _peer(request))
            codes = await second_steps.set_up(account, secret, field(form, "code"), proven.still) if secret else None
            problem = None if codes else "wrong_code"
        except SignInProblem as refused:
            codes, problem = None, refused.code
        if codes is None:
            return await setting_up.show(
                request, account, "/account/second-step", ask_password=True, secret=secret, problem=problem
            )
        return setting_up.codes(request, account, codes, "/account")

    async def switch_off(request: Request, account: Account) -> Response:
        if pages.settings.second_step_required:
            return pages.plain(request, pages.words(REQUIRED), 409)
        try:
            proven = await accounts.confirm(account, field(await form_of(request), "present"), _peer(request))
        except SignInProblem as problem:
            return await _page(request, account, "second_step", problem.code)
        if not await second_steps.switch_off(account, proven.still):
            return await _page(request, account, "second_step", "wrong")
        return to("/account?done=off")

    # --- awake: asked by the script before an idle sign-in ends ---

    async def awake(request: Request) -> Response:
        """Asking is not using."""
        return await _seconds_left(request, counts=False)

    async def stay(request: Request) -> Response:
        return await _seconds_left(request, counts=True)

    async def _seconds_left(request: Request, counts: bool) -> Response:
        known = await staff_only.known(request, counts=counts)
        is_in = known is not None and known.sign_in.stage is Stage.IN
        left = await staff.idle_left(staff_only.token(request)) if is_in else None
        return JSONResponse({"seconds_left": left}) if left is not None else Response(status_code=401)

    async def _page(
        request: Request,
        account: Account,
        part: str | None = None,
        problem: str | None = None,
        given: dict[str, str] | None = None,
    ) -> Response:
        found = await accounts.on_file(account.id)
        assert found is not None, "accounts are never deleted"
        done = DONE.get(request.query_params.get("done", ""))
        return pages.show(
            request,
            "account",
            status_of(problem) if problem else 200,
            account=account,
            found=found,
            given=given or {"shown": account.shown, "job": account.job},
            codes_left=await second_steps.recovery_codes_left(account),
            required=pages.settings.second_step_required,
            done=pages.words(done) if done and not problem else None,
            part=part,
            problem=pages.words(PROBLEMS[problem]) if problem else None,
        )

    def _peer(request: Request) -> str:
        return peer_of(request, pages.settings.proxies)

    return [
        Route("/account", staff_only(show)),
        Route("/account/name", staff_only(rename), methods=["POST"]),
        Route("/account/password", staff_only(change_password), methods=["POST"]),
        Route("/account/second-step", staff_only(ask_set_up)),
        Route("/account/second-step", staff_only(set_up), methods=["POST"]),
        Route("/account/second-step/off", staff_only(switch_off), methods=["POST"]),
        Route("/account/sign-out-everywhere", staff_only(sign_out_everywhere), methods=["POST"]),
        Route("/account/awake", awake),
        Route("/account/awake", stay, methods=["POST"]),
    ]
