"""Scanners, previews, prefetching and Back: to look at a link uses nothing up and binds nothing ([DR2])."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from server.app import Copage
from server.identity import StaffRole
from tests.server.cast import Disk, open_house
from tests.visitor import PASSWORD, Held, Visitor

TIMES = 20
ROBOTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    # whose look: the method, and what it says of itself
    "scanner": ("GET", {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks; Barracuda Sentinel)", "Accept": "*/*"}),
    "preview": ("GET", {"User-Agent": "WhatsApp/2.24 facebookexternalhit/1.1 Slackbot-LinkExpanding 1.0"}),
    "prefetch": ("GET", {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch", "Sec-Fetch-Dest": "document"}),
    "Back": ("GET", {"Cache-Control": "max-age=0", "If-None-Match": '"before"', "Sec-Fetch-Mode": "navigate"}),
    "HEAD": ("HEAD", {"User-Agent": "curl/8.5"}),
}


@dataclass(frozen=True)
class Links:
    """All that can be sent to somebody, or stand in an address bar; the two tickets with who holds them."""

    copage: Copage
    alex: Visitor
    room: str
    join: str
    code: str
    welcome: str
    start: str
    sam: Held
    wes: Held
    disk: Disk
    http: httpx2.AsyncClient

    @property
    def addresses(self) -> list[str]:
        tickets = (f"/s/{held.ticket}" for held in (self.sam, self.wes))
        return [self.join, *tickets, self.welcome, self.start, "/code"]


@pytest.fixture
async def links(tmp_path: Path) -> AsyncIterator[Links]:
    """Alex's room: Sam is in, Wes waits by a link that is still open. Kim has not taken up her account."""
    async with open_house(tmp_path) as (copage, house), Visitor(house) as alex, Visitor(house) as device:
        await alex.sends(
            f"/start/{await copage.start_links.make()}/account",
            **{"login": "alex", "password": PASSWORD, "shown": "Alex", "job": "nurse"},
        )
        room = await alex.starts_room()
        sam = await device.comes_in(await alex.link_of(room), alex)
        await alex.does(room, "link")
        join = await alex.link_of(room)
        wes = await device.knocks(join, "Wes")
        code = (await alex.looks_at(room)).text.split('class="code">')[1].split("<")[0]
        _, welcome = await copage.keeping.invite("Kim", "", [StaffRole.WORKER])
        start = f"/start/{await copage.start_links.make()}"
        disk = Disk(copage)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(copage.asgi), base_url=house.url) as http:
            yield Links(copage, alex, room, join, code, f"/welcome/{welcome}", start, sam, wes, disk, http)
        disk.close()


async def look(links: Links, address: str, robot: str, cookies: str) -> None:
    """Twenty times: nothing is given to whoever looks, and not one row is another."""
    method, headers = ROBOTS[robot]
    before = links.disk.dump()
    for _ in range(TIMES):
        answer = await links.http.request(method, address, headers={**headers, "Cookie": cookies})
        assert answer.status_code in (200, 403), (robot, address, answer.status_code)
        assert "set-cookie" not in answer.headers
    assert links.disk.dump() == before, (robot, address)


async def test_whoever_looks_at_a_link_uses_nothing_up_and_it_works_elsewhere_afterwards(links: Links) -> None:
    # What runs outside the browser has no cookies; what the browser does by itself has those of the address.
    holders = ("", links.sam.cookie_header, links.wes.cookie_header)
    looks = [(address, robot, held) for address in links.addresses for robot in ROBOTS for held in holders]
    for address, robot, held in looks:
        await look(links, address, robot, held)
    print(f"{len(looks) * TIMES} looks by {len(ROBOTS)} kinds at {len(links.addresses)} addresses changed 0 rows")
    await everything_works_in_another_browser(links)


async def everything_works_in_another_browser(links: Links) -> None:
    house, alex = links.alex.house, links.alex
    async with Visitor(house) as kim, Visitor(house) as operator, Visitor(house) as ada, Visitor(house) as rae:
        assert "<article data-page=" in (await alex.looks_at_with(links.sam)).text
        assert (await alex.looks_at_with(links.wes)).status_code == 200, "he waits on"
        assert (await ada.sends("/code", code=links.code)).status_code == 200
        assert (await ada.sends("/code", code=links.code, name="Ada")).status_code == 303
        await rae.comes_in(links.join, alex, "Rae")
        await kim.takes_up(links.welcome, "kim")
        assert (await operator.sends(f"{links.start}/practice")).status_code == 303
        made = await operator.sends(f"{links.start}/account", login="olu", password=PASSWORD, shown="Olu", job="")
        assert made.status_code == 303


async def test_back_after_everything_has_been_used_opens_nothing_and_changes_nothing(links: Links) -> None:
    await everything_works_in_another_browser(links)
    before = links.disk.dump()
    for _ in range(TIMES):
        for address, status in ((links.join, 410), (links.welcome, 404), (links.start, 404), ("/code", 200)):
            answer = await links.http.get(address)
            assert answer.status_code == status and "set-cookie" not in answer.headers, address
    assert links.disk.dump() == before
