"""People at the pages, without a browser: forms are sent as a browser without script sends them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import httpx2

from tests.house import House

PASSWORD = "four words in a row"


@dataclass(frozen=True)
class Held:
    """A ticket in somebody's hands: its id, and the two cookies that prove it."""

    house: House
    ticket: str
    cookies: dict[str, str] = field(repr=False)

    @property
    def address(self) -> str:
        """The session page."""
        return f"{self.house.url}/s/{self.ticket}"

    @property
    def cookie_header(self) -> str:
        """For requests and sockets made by hand."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def browser_cookies(self) -> list[dict[str, str]]:
        """For Playwright's `context.add_cookies`."""
        path = f"/s/{self.ticket}"
        return [
            {"name": name, "value": value, "domain": "127.0.0.1", "path": path, "sameSite": "Strict"}
            for name, value in self.cookies.items()
        ]


class Visitor:
    """One browser without script: keeps cookies, follows nothing by itself. Use as an async context."""

    def __init__(self, house: House, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        """`transport`: to a house in this very process, without a network."""
        self.house = house
        self._http = httpx2.AsyncClient(
            base_url=house.url, headers={"Accept": "text/html"}, verify=house.trust or True, transport=transport
        )

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def looks_at(self, address: str, **headers: str) -> httpx2.Response:
        return await self._http.get(address, headers=headers)

    async def looks_at_with(self, held: Held) -> httpx2.Response:
        """The session page of somebody's ticket, as their device asks for it."""
        return await self._http.get(held.address, headers={"Cookie": held.cookie_header})

    async def sends_with(
        self, held: Held, form: str, cookies: Mapping[str, str] | None = None, **fields: str
    ) -> httpx2.Response:
        """A form of somebody's session page, as their device sends it; or with other cookies."""
        given = held.cookies if cookies is None else cookies
        cookie = "; ".join(f"{name}={value}" for name, value in given.items())
        return await self._http.post(
            f"{held.address}/{form}", data=fields, headers={"Origin": self.house.url, "Cookie": cookie}
        )

    async def page_of(self, held: Held) -> str:
        """Which page a person has before them."""
        answer = await self.looks_at_with(held)
        assert answer.status_code == 200
        [page] = re.findall(r'<article data-page="([\w-]+)"', answer.text)
        return str(page)

    async def sends(self, address: str, **fields: str) -> httpx2.Response:
        """A form, from a page of the house's own."""
        return await self.sends_from(self.house.url, address, **fields)

    async def sends_from(self, origin: str, address: str, **fields: str) -> httpx2.Response:
        """A form, from a page of anybody's."""
        return await self.sends_list(address, list(fields.items()), origin)

    async def sends_list(
        self, address: str, fields: Sequence[tuple[str, str]], origin: str | None = None
    ) -> httpx2.Response:
        """As `sends`, where several fields have one name."""
        form = {"Origin": origin or self.house.url, "Content-Type": "application/x-www-form-urlencoded"}
        return await self._http.post(address, content=urlencode(fields), headers=form)

    async def makes_account(self, login: str = "alex", shown: str = "Alex", job: str = "nurse") -> None:
        """An account, by a new one-time link; this browser is signed in by it."""
        answer = await self.sends(
            f"{self.house.new_link()}/account", login=login, password=PASSWORD, shown=shown, job=job
        )
        assert answer.status_code == 303, answer.text

    async def invites(self, shown: str, job: str = "", *roles: str) -> str:
        """From an admin's page: a new account, by the address of its one-time link."""
        answer = await self.sends_list(
            "/admin/accounts", [("shown", shown), ("job", job), *(("role", r) for r in roles)]
        )
        assert answer.status_code == 200, answer.text
        [link] = re.findall(r"/welcome/[\w-]+", answer.text)
        return str(link)

    async def takes_up(self, link: str, login: str) -> None:
        """An account, by the one-time link of an admin; this browser is signed in by it."""
        answer = await self.sends(link, login=login, password=PASSWORD)
        assert answer.status_code == 303, answer.text

    async def signs_in(self, login: str = "alex") -> None:
        answer = await self.sends("/sign-in", login=login, password=PASSWORD)
        assert answer.status_code == 303, answer.text

    async def starts_practice(self) -> tuple[Held, Held]:
        """From the desk: the worker's ticket, and that of the pretend person."""
        answer = await self.sends("/desk/practice")
        worker, person = self._tickets(answer)
        return worker, person

    async def starts_session(self) -> tuple[Held, str]:
        """From the desk, and in: the own ticket, and the link for the other person."""
        room = await self.starts_room()
        return await self.goes_in(room), await self.link_of(room)

    async def starts_room(self) -> str:
        """From the desk: a new room with an open session. Gives the address of its page."""
        started = await self.sends("/desk/sessions")
        assert started.status_code == 303 and "set-cookie" not in started.headers, started.text
        return str(started.headers["location"])

    async def link_of(self, room: str) -> str:
        """The link for the other person, as the room's page shows it."""
        found = re.findall(rf"{re.escape(self.house.url)}/join/[\w-]+", (await self.looks_at(room)).text)
        assert found, "no link is open"
        return str(found[0])

    async def goes_in(self, room: str) -> Held:
        """Into the session that is open in a room."""
        [own] = self._tickets(await self.does(room, "enter"))
        return own

    async def does(self, room: str, form: str, **fields: str) -> httpx2.Response:
        """Send one of the forms of the first session on a room's page."""
        [address, *_] = re.findall(rf'action="({re.escape(room)}/sessions/[\w-]+/{form})"', await self._text(room))
        return await self.sends(address, **fields)

    async def knocks(self, link: str, name: str = "Sam") -> Held:
        """By an invitation's link: a ticket that waits."""
        [own] = self._tickets(await self.sends(link, name=name))
        return own

    async def admits(self, waiting: Held) -> httpx2.Response:
        """Let somebody in who waits at one of the desk's rooms."""
        return await self.answers_at_the_door(waiting, "admit")

    async def answers_at_the_door(self, waiting: Held, form: str, **fields: str) -> httpx2.Response:
        address = await self.arrival_of(waiting)
        assert address, f"the desk shows nobody who waits with ticket {waiting.ticket}"
        return await self.sends(f"{address}/{form}", **fields)

    async def arrival_of(self, waiting: Held) -> str | None:
        """Where the forms for somebody who waits go to; None when the desk shows nobody with this ticket."""
        found = re.search(rf'action="([^"]+/arrivals/{waiting.ticket})/admit"', await self._text("/desk"))
        return str(found[1]) if found else None

    async def comes_in(self, link: str, worker: Visitor, name: str = "Sam") -> Held:
        """By an invitation's link, let in by the worker."""
        own = await self.knocks(link, name)
        answer = await worker.admits(own)
        assert answer.status_code == 303, answer.text
        return own

    async def _text(self, address: str) -> str:
        return (await self.looks_at(address)).text

    def _tickets(self, answer: httpx2.Response) -> list[Held]:
        """The tickets that an answer gives to this browser, in its order."""
        assert answer.status_code == 303, answer.text
        given: dict[str, dict[str, str]] = {}
        for line in answer.headers.get_list("set-cookie"):
            cookie = re.match(r"(copage_(?:here_)?([\w-]+))=([^;]+);.*path=/s/\2(;|$)", line, re.IGNORECASE)
            if cookie:
                given.setdefault(cookie[2], {})[cookie[1]] = cookie[3]
        assert all(len(cookies) == 2 for cookies in given.values())
        return [Held(self.house, ticket, cookies) for ticket, cookies in given.items()]


async def alex_and_sam(desk: Visitor) -> tuple[Held, Held]:
    """A session of Alex, whose desk it is, with Sam, who came by the link on a device of his own."""
    alex, link = await desk.starts_session()
    async with Visitor(desk.house) as device:
        sam = await device.comes_in(link, desk)
    return alex, sam


def boot_of(page: httpx2.Response) -> dict[str, Any]:
    """What a page gives to its script."""
    found = re.search(r'<script type="application/json" id="boot">(.*?)</script>', page.text, re.DOTALL)
    assert found, page.text
    boot: dict[str, Any] = json.loads(found[1])
    return boot
