"""The cookies that a browser is given. None is needed to look at a page that is open to everybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from starlette.responses import Response

from server.identity import NewTicket, here_cookie, secret_cookie, staff_cookie

START_COOKIE = "copage_start"
PRACTICE_COOKIE = "copage_practice"
TICKET_LIVES = 3 * 24 * 3600
"""Seconds for which a browser keeps a ticket, also when it is closed and opened again: a session and the day after."""


def give_ticket(response: Response, new: NewTicket, secure: bool) -> None:
    """Hand a ticket's two secrets to this device. Only its own address is sent them."""
    ticket = new.ticket.id
    for name, value, hidden in ((secret_cookie(ticket), new.secret, True), (here_cookie(ticket), new.here, False)):
        response.set_cookie(
            name,
            value,
            max_age=TICKET_LIVES,
            path=f"/s/{ticket}",
            secure=secure,
            httponly=hidden,
            samesite="strict",
        )


def take_ticket(response: Response, ticket: str, secure: bool) -> None:
    """Have this device forget a ticket."""
    take_here(response, ticket, secure)
    response.delete_cookie(secret_cookie(ticket), f"/s/{ticket}", secure=secure, httponly=True, samesite="strict")


def take_here(response: Response, ticket: str, secure: bool) -> None:
    """Have a ticket open nothing on this device any more. It is still good for leaving."""
    response.delete_cookie(here_cookie(ticket), f"/s/{ticket}", secure=secure, samesite="strict")


def give_practice(response: Response, session: str, tickets: Collection[str], secure: bool) -> None:
    """Have the page with the two windows know which tickets this browser was given: theirs are sent to `/s/` only."""
    response.set_cookie(
        PRACTICE_COOKIE,
        ".".join(tickets),
        max_age=TICKET_LIVES,
        path=f"/practice/{session}",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def practice_tickets(cookies: Mapping[str, str]) -> Collection[str]:
    """What `give_practice` was given: names of tickets, good for showing the links to them and nothing else."""
    return cookies.get(PRACTICE_COOKIE, "").split(".")


def give_staff(response: Response, token: str, secure: bool) -> None:
    """Sign this browser in until it is closed, or the sign-in ends."""
    response.set_cookie(staff_cookie(secure), token, path="/", secure=secure, httponly=True, samesite="strict")


def take_staff(response: Response, secure: bool) -> None:
    response.delete_cookie(staff_cookie(secure), "/", secure=secure, httponly=True, samesite="strict")


def give_start(response: Response, token: str, browser: str, secure: bool) -> None:
    """Bind a start link to this browser."""
    response.set_cookie(START_COOKIE, browser, path=f"/start/{token}", secure=secure, httponly=True, samesite="strict")
