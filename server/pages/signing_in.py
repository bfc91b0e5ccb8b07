"""How a sign-in begins: after a password, and with the two kinds of one-time links."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from server.identity import Account, StaffSessions, Stage
from server.pages.cookies import give_staff
from server.pages.rendering import to
from server.pages.staff_only import StaffOnly, page_after
from server.ports import Statement
from server.removals import Removals


class SigningIn:
    """Gives a browser a sign-in, at the stage that this account has to begin with."""

    def __init__(
        self, staff: StaffSessions, staff_only: StaffOnly, put_out: Removals, second_step_required: bool, secure: bool
    ) -> None:
        self._staff = staff
        self._staff_only = staff_only
        self._put_out = put_out
        self._second_step_required = second_step_required
        self._secure = secure

    async def begin(self, request: Request, account: Account, second_step: bool, *also: Statement) -> Response:
        """Sign `account` in and go on to its first page. Whoever was signed in here before is not any more.

        Args:
            also: has to fit, in the same transaction.

        Raises:
            Conflict: a statement in `also` did not fit. Nothing has changed.
        """
        stage = self._first_stage(second_step)
        token = await self._staff.open(account.id, stage, *also)
        await self.end(request)
        response = to(page_after(account, stage))
        give_staff(response, token, self._secure)
        return response

    async def end(self, request: Request) -> None:
        """Sign this browser out, and whatever it opened while it was signed in."""
        ended = await self._staff.close(self._staff_only.token(request))
        if ended is not None:
            await self._put_out.sign_in(ended)

    def _first_stage(self, second_step: bool) -> Stage:
        if second_step:
            return Stage.CODE
        return Stage.SET_UP if self._second_step_required else Stage.IN
