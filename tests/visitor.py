"""People at the pages, without a browser: forms are sent as a browser without script sends them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import TracebackType

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

    def __init__(self, house: House) -> None:
        self.house = house
        self._http = httpx2.AsyncClient(base_url=house.url, headers={"Accept": "text/html"})

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def looks_at(self, address: str) -> httpx2.Response:
        return await self._http.get(address)

    async def looks_at_with(self, held: Held) -> httpx2.Response:
        """The session page of somebody's ticket, as their device asks for it."""
        return await self._http.get(held.address, headers={"Cookie": held.cookie_header})

    async def sends(self, address: str, **fields: str) -> httpx2.Response:
        """A form, from a page of the house's own."""
        return await self._http.post(address, data=fields, headers={"Origin": self.house.url})

    async def makes_account(self, login: str = "alex", shown: str = "Alex", job: str = "nurse") -> None:
        """An account, by a new one-time link; this browser is signed in by it."""
        answer = await self.sends(
            f"{self.house.new_link()}/account", login=login, password=PASSWORD, shown=shown, job=job
        )
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
        known = await self._sessions()
        started = await self.sends("/desk/sessions")
        assert started.status_code == 303 and "set-cookie" not in started.headers, started.text
        [(room, link)] = (await self._sessions()).items() - known.items()
        [own] = self._tickets(await self.sends(f"/desk/sessions/{room}/enter"))
        return own, link

    async def comes_in(self, link: str, name: str = "Sam") -> Held:
        """By an invitation's link."""
        answer = await self.sends(link, name=name)
        [own] = self._tickets(answer)
        return own

    async def _sessions(self) -> dict[str, str]:
        """Rooms on the desk whose link nobody has used, with the link."""
        desk = await self.looks_at("/desk")
        links = rf"({re.escape(self.house.url)}/join/[\w-]+)"
        cards = (
            re.search(links + r".*/desk/sessions/([\w-]+)/", card, re.DOTALL) for card in desk.text.split("<section")
        )
        return {card[2]: card[1] for card in cards if card}

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
        sam = await device.comes_in(link)
    return alex, sam
