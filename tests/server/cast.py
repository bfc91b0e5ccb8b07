"""Everybody who may come to a house, each at their own stage, with the house's tables as they stand then.

One house in this process, served at an address; it can be put back to how it was, whatever was done meanwhile.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import httpx2

from server.app import Copage, create_app
from server.content import load_content
from server.identity import Ticket
from server.ports import Statement, StoreUnavailable, Value
from server.serving import listen, serving
from server.settings import read_settings
from server.store.schema import TABLES
from tests.contracts.trouble import no_trouble
from tests.house import House
from tests.server.test_staff_pages import App, account_page
from tests.visitor import PASSWORD, Held, Visitor

Rows: TypeAlias = frozenset[tuple[tuple[str, Value], ...]]
Dump: TypeAlias = Mapping[str, Rows]
"""What stands in each table."""

PERSONAS = (
    "nobody",
    "sam",  # in the session of this room
    "robin",  # in the session of another room
    "waits",
    "refused",
    "removed",
    "left",
    "closed",  # was in a session of this room that has ended
    "member",  # Alex, a worker of this room's team
    "other",  # Kim, a worker of the other room's
    "superv",  # Ines, who supervises Alex
    "admin",  # Olu, who is nothing else
    "disabled",  # Uwe, who was in the team and in the session
    "halfway",  # Hal, of the team, whose password was right and whose code is still to come
    "begun",  # Bea, an admin and worker who has no second step yet
)
LABELS = {"this": "Quince House", "other": "Damson Lodge"}
SENTENCES = {"this": "I am with you at half past.", "other": "The kettle is on already."}
NAMES = {"this": "Sam Ashdown", "other": "Robin Fennimore"}
OTHER_PAGE = "next-step"
"""The page that is open in the other room, and in no other."""


class Browser(Visitor):
    """A visitor whose cookies can be told, and who can be given others."""

    async def __aenter__(self) -> Browser:
        return self

    @property
    def cookies(self) -> dict[str, str]:
        """All of them, wherever they belong."""
        return {cookie.name: cookie.value or "" for cookie in self._http.cookies.jar}

    def is_given(self, name: str, value: str, path: str = "/") -> None:
        """A cookie by somebody who can reach this browser; all others are gone."""
        self._http.cookies.clear()
        self._http.cookies.set(name, value, domain="127.0.0.1", path=path)


@dataclass(frozen=True)
class Persona:
    """Somebody with all the cookies they were ever given, who sends them wherever they like.

    `own`: the id of their ticket; a made-up one for who has none.
    """

    name: str
    own: str
    cookies: Mapping[str, str] = field(repr=False)
    http: httpx2.AsyncClient = field(repr=False)

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def asks(
        self, method: str, address: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> httpx2.Response:
        """One request; what it sets is not kept. A form is sent as from a page of the house."""
        self.http.cookies.clear()
        sent = {"Cookie": self.cookie_header}
        if method == "POST":
            sent["Origin"] = str(self.http.base_url).rstrip("/")
        answer = await self.http.request(method, address, data=form, headers=sent | headers)
        self.http.cookies.clear()
        return answer


@dataclass(frozen=True)
class Cast:
    """`places`: what stands for the parts of addresses: `{room}`, `{session}`, …. `accounts` and `apps`: ids and second
    steps of the staff, by the name they sign in with. `canaries`: how to find what only some may see."""

    copage: Copage
    house: House
    people: Mapping[str, Persona]
    places: Mapping[str, str]
    accounts: Mapping[str, str]
    apps: Mapping[str, App]
    canaries: Mapping[str, str]
    disk: Disk
    start: Dump = field(repr=False)

    @property
    def tomorrow(self) -> str:
        """A day for which a session can be prepared."""
        return f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"

    def dump(self) -> Dump:
        return self.disk.dump()

    async def put_back(self) -> None:
        """Have everything as it was at the start."""
        while (now := self.dump()) != self.start:
            rooms = {str(dict(row)["id"]) for row in now["rooms"] | self.start["rooms"]}
            await self._looked_at(rooms)  # What is being kept of them is kept now, and not after the next line.
            await self.copage.opened.database.write(*_replacing(now, self.start))
            self.copage.hub.reload()
            await self._looked_at(rooms)

    async def _looked_at(self, rooms: Iterable[str]) -> None:
        for room in rooms:
            with suppress(StoreUnavailable):  # Kept between two lines above, so half of it was put back: once more.
                await self.copage.hub.look(room)

    def address(self, pattern: str, who: Persona) -> str:
        """A pattern with its places filled in, as `who` asks for it."""
        return re.sub(r"{([\w:]+)}", lambda found: {"own": who.own, **self.places}[found[1]], pattern)

    def made_up(self, pattern: str) -> str:
        """A pattern filled with names that nothing has."""
        return re.sub(r"{[\w:]+}", lambda _: made_up(), pattern)

    def pattern(self, address: str, who: Persona) -> str:
        """Where an answer leads, with names for what was there already and `{new}` for what was not."""
        known = {value: name for name, value in {**self.places, "own": who.own}.items()}
        return re.sub(r"(?<=/)[\w-]{16,}", lambda found: f"{{{known.get(found[0], 'new')}}}", address)


def plain(answer: httpx2.Response) -> tuple[int, Mapping[str, str], str]:
    """All of an answer but what is another one each time: the nonce and the time of day."""
    headers = {name: _without_nonce(value) for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, headers, _without_nonce(answer.text)


def _without_nonce(text: str) -> str:
    return re.sub(r"nonce(-|=\")[\w-]+", r"nonce\1", text)


def made_up() -> str:
    """An id as the house makes them."""
    return secrets.token_urlsafe(16)


class Disk:
    """What stands in the tables, read beside the house."""

    def __init__(self, copage: Copage) -> None:
        path = copage.opened.database.path
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        self._connection.row_factory = sqlite3.Row
        self._version = -1
        self._dump: Dump = {}

    def dump(self) -> Dump:
        """Every row of every table, as it is on the disk now."""
        [version] = self._connection.execute("PRAGMA data_version").fetchone()  # Another one after each commit.
        if version != self._version:
            self._dump = {table: self._rows(table) for table in TABLES}
            self._version = version
        return self._dump

    def close(self) -> None:
        self._connection.close()

    def _rows(self, table: str) -> Rows:
        return frozenset(tuple(dict(row).items()) for row in self._connection.execute(f"SELECT * FROM {table}"))


def changed(before: Dump, after: Dump) -> set[str]:
    """The tables that differ. A snapshot is the log in other words."""
    tables = {table for table in TABLES if before[table] != after[table]}
    return (tables - {"snapshots"}) | ({"events"} if "snapshots" in tables else set())


def _replacing(now: Dump, start: Dump) -> Iterator[Statement]:
    for table in TABLES:
        if now[table] != start[table]:
            yield Statement(f"DELETE FROM {table}")
            yield from (_inserting(table, dict(row)) for row in start[table])


def _inserting(table: str, row: Mapping[str, Value]) -> Statement:
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    return Statement(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()), rows=1)


# --- a house, and how everybody came to it ---


@asynccontextmanager
async def open_house(data: Path, **environ: str) -> AsyncIterator[tuple[Copage, House]]:
    """The product in this process, at an address of its own. The other is what visitors have to know of it."""
    with listen("127.0.0.1", 0) as listening:
        house = House(data, port=listening.getsockname()[1])
        settings = read_settings({**house.environ, "COPAGE_PUBLIC_URL": house.url, **environ})
        async with create_app(settings, no_trouble) as copage, serving(copage.asgi, listening, copage.sockets.stop):
            yield copage, house


@asynccontextmanager
async def gather(data: Path) -> AsyncIterator[Cast]:
    """Everybody, in a house where staff need the second step."""
    async with open_house(data, COPAGE_SECOND_STEP="required") as (copage, house):
        story = _Story(copage, house)
        await story.staff()
        await story.other_room()
        await story.this_room()
        await story.last_changes()
        cast = story.cast()
        yield cast
        cast.disk.close()
        for browser in story.browsers.values():
            await browser.__aexit__(None, None, None)


class _Story:
    """How it came to what everybody has in their hands."""

    def __init__(self, copage: Copage, house: House) -> None:
        self.copage = copage
        self.house = house
        self.browsers: dict[str, Browser] = {}
        self.tickets: dict[str, Held] = {}
        self.accounts: dict[str, str] = {}
        self.apps: dict[str, App] = {}
        self.places: dict[str, str] = {"page": "people", "rest": "nowhere/at-all"}
        self.canaries: dict[str, str] = {}

    def browser(self, name: str) -> Browser:
        return self.browsers.setdefault(name, Browser(self.house))

    async def staff(self) -> None:
        olu = self.browser("admin")
        link = f"/start/{await self.copage.start_links.make()}"
        await olu.sends(f"{link}/account", login="olu", password=PASSWORD, shown="Olu", job="")
        await self._sets_up(olu, "olu")
        for name, login, roles in (
            ("member", "alex", ("worker",)),
            ("other", "kim", ("worker",)),
            ("superv", "ines", ("supervisor",)),
            ("disabled", "uwe", ("worker",)),
            ("halfway", "hal", ("worker",)),
            ("begun", "bea", ("admin", "worker")),
            ("invited", "pat", ("worker",)),
        ):
            invited = await olu.invites(login.title(), "", *roles)
            self.accounts[login] = (await account_page(olu, login.title())).rpartition("/")[2]
            if name == "invited":
                self.places["welcome"] = invited.rpartition("/")[2]
                continue
            await self.browser(name).takes_up(invited, login)
            if name != "begun":
                await self._sets_up(self.browser(name), login)
        self.accounts["olu"] = (await account_page(olu, "Olu")).rpartition("/")[2]
        await olu.sends(f"/admin/accounts/{self.accounts['ines']}/supervise", worker=self.accounts["alex"])
        await olu.sends(f"/admin/accounts/{self.accounts['olu']}/roles", role="admin")
        self.apps["bea"] = App((await self.browser("begun").looks_at("/sign-in/set-up")).text)
        await self.browser("halfway").signs_in("hal")

    async def _sets_up(self, browser: Browser, login: str) -> None:
        app = self.apps[login] = App((await browser.looks_at("/sign-in/set-up")).text)
        assert (await browser.sends("/sign-in/set-up", wrapped=app.wrapped, code=app.code())).status_code == 200

    async def other_room(self) -> None:
        """Kim's, in which Robin is."""
        kim = self.browser("other")
        room = await self._room(kim, "other")
        self.tickets["other"] = await kim.goes_in(room)
        robin = await self._comes_in("robin", kim, room, NAMES["other"])
        turned = await self.browser("robin").sends(f"/s/{robin.ticket}/turn", page=OTHER_PAGE)
        assert turned.status_code == 303
        self.canaries["other page"] = f'"page": "{OTHER_PAGE}"|data-page="{OTHER_PAGE}"'
        await self._waits("otto", kim, room, "other")
        self.places["kims"] = room.rpartition("/")[2]

    async def this_room(self) -> None:
        """Alex's. Cleo was in its first session; Sam is in its second. Alex has another one that is quiet."""
        alex, olu = self.browser("member"), self.browser("admin")
        quiet = await alex.starts_room()
        await alex.sends(f"{quiet}/label", label="Quiet")
        await alex.does(quiet, "end")
        self.places["quiet"] = quiet.rpartition("/")[2]
        room = await self._room(alex, "this")
        for colleague in ("uwe", "hal"):
            address = f"/admin/rooms/{room.rpartition('/')[2]}/add"
            assert (await olu.sends(address, account=self.accounts[colleague])).status_code == 303
        await alex.goes_in(room)
        self.places["cleos"] = (await alex.link_of(room)).rpartition("/")[2]
        await self._comes_in("closed", alex, room, "Cleo")
        await alex.does(room, "end")
        await alex.sends(f"{room}/start")
        self.tickets["member"] = await alex.goes_in(room)
        self.tickets["disabled"] = await self.browser("disabled").goes_in(room)
        await self._comes_in("sam", alex, room, NAMES["this"])
        rae = await self._comes_in("removed", alex, room, "Rae", anew=True)
        await alex.does(room, "people/remove", person=(await self._known(rae)).participant)
        lou = await self._comes_in("left", alex, room, "Lou", anew=True)
        await self.browser("left").sends(f"/s/{lou.ticket}/leave")
        wes = await self._waits("waits", alex, room, "this")
        link = await alex.link_of(room)
        self.tickets["refused"] = await self.browser("refused").knocks(link, "Noor")
        assert (await alex.answers_at_the_door(self.tickets["refused"], "turn-away")).status_code == 303
        known = {name: await self._known(held) for name, held in self.tickets.items()}
        self.places |= {
            "room": room.rpartition("/")[2],
            "session": known["sam"].session,
            "waiting": wes.ticket,
            "sams": known["sam"].id,
            "person": known["sam"].participant,
        }

    async def last_changes(self) -> None:
        alex, olu = self.browser("member"), self.browser("admin")
        await olu.sends(f"/admin/accounts/{self.accounts['uwe']}/disable")
        practised = await alex.sends("/desk/practice")
        self.places |= {
            "practice": practised.headers["location"].rpartition("/")[2],
            "start": await self.copage.start_links.make(),
            "picture": next(iter(load_content().pictures)),
            "file": re.findall(r"/assets/(main-[\w-]+\.css)", (await alex.looks_at("/")).text)[0],
            **{login: self.accounts[login] for login in ("pat", "uwe", "ines")},
        }

    def cast(self) -> Cast:
        people = {}
        for number, name in enumerate(PERSONAS, 1):
            held = self.tickets.get(name)
            cookies = {
                **(self.browsers[name].cookies if name in self.browsers else {}),
                **(held.cookies if held else {}),
            }
            transport = httpx2.ASGITransport(self.copage.asgi, client=(f"192.0.2.{number}", 1))
            http = httpx2.AsyncClient(transport=transport, base_url=self.house.url, headers={"Accept": "text/html"})
            people[name] = Persona(name, held.ticket if held else made_up(), cookies, http)
        disk = Disk(self.copage)
        return Cast(
            *(self.copage, self.house, people, self.places, self.accounts, self.apps, self.canaries),
            *(disk, disk.dump()),
        )

    async def _room(self, worker: Browser, which: str) -> str:
        room = await worker.starts_room()
        assert (await worker.sends(f"{room}/label", label=LABELS[which])).status_code == 303
        self.canaries[f"{which} label"] = LABELS[which]
        self.canaries[f"{which} name"] = NAMES[which]
        return room

    async def _comes_in(self, who: str, worker: Browser, room: str, name: str, anew: bool = False) -> Held:
        if anew:
            await worker.does(room, "link")
        held = self.tickets[who] = await self.browser(who).comes_in(await worker.link_of(room), worker, name)
        return held

    async def _waits(self, who: str, worker: Browser, room: str, which: str) -> Held:
        """By a new link, which stays open; with a sentence to read meanwhile."""
        await worker.does(room, "link")
        link = await worker.link_of(room)
        held = self.tickets[who] = await self.browser(who).knocks(link, "Wes")
        await worker.answers_at_the_door(held, "sentence", sentence=SENTENCES[which])
        [code] = re.findall(r'class="code">([\w-]+)<', (await worker.looks_at(room)).text)
        self.canaries[f"{which} sentence"] = SENTENCES[which]
        if which == "other":
            self.canaries |= {"other link": re.escape(link.rpartition("/")[2]), "other code": code}
        else:
            self.places |= {"join": link.rpartition("/")[2], "this:code": code}
        return held

    async def _known(self, held: Held) -> Ticket:
        found = await self.copage.tickets.get(held.ticket)
        assert found is not None
        return found
