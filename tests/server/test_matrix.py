"""Every address and every event, asked by everybody, against the table of what they should get (`matrix.txt`).

Who waits is one of them, and gets nothing of the session ([DR3]).
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, get_args

import httpx2
import msgspec
import pytest
from pycrdt import Doc, Text
from starlette.routing import BaseRoute, Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.typing import Origin

from rooms.commands import FromWindow
from rooms.wire import FROM_CLIENT
from server.guard import Message
from server.identity import digest
from server.ports import Statement
from tests.conftest import Amount
from tests.live_client import Closed, LiveClient, Way
from tests.server.alike import mann_whitney
from tests.server.cast import PERSONAS, Cast, Persona, changed, gather, made_up, plain
from tests.visitor import PASSWORD

TABLE = Path(__file__).with_name("matrix.txt")
ROW = re.compile(r"(?P<kind>\w+) (?P<what>.+?)  +(?P<cells>.+?)(  > (?P<onward>\S+))?(  ! (?P<tables>.+))?")
PARTS = {
    "start": "token",
    "welcome": "token",
    "join": "token",
    "practice": "session",
    "file": "name",
    "pat": "account",
    "uwe": "account",
    "ines": "account",
    "quiet": "room",
    "kims": "room",
    "waiting": "ticket",
    "own": "ticket",
    "sams": "ticket",
    "rest": "rest:path",
}
"""What stands in the table for the part of an address that the product has by this name."""
STEPS = {"in": "/sign-in", "code": "/sign-in/code", "setup": "/sign-in/set-up"}


@dataclass(frozen=True)
class Row:
    """`kind`: a method, `WS`, `LIVE` or `SEES`. `cells`: what each persona gets."""

    kind: str
    what: str
    cells: Mapping[str, str]
    onward: str
    tables: Sequence[str]

    @property
    def name(self) -> str:
        return f"{self.kind} {self.what}"


def read_table() -> list[Row]:
    """The rows. Every section says whose columns they are, and has to have all."""
    rows: list[Row] = []
    _, *sections = TABLE.read_text(encoding="utf-8").split("\n# ")
    for section in sections:
        _, columns, *lines = section.strip("\n").split("\n")
        assert tuple(columns.split()) == PERSONAS, section
        rows += [_row(line) for line in lines]
    assert len({row.name for row in rows}) == len(rows), "a row stands there twice"
    return rows


def _row(line: str) -> Row:
    found = ROW.fullmatch(line)
    assert found, line
    cells = dict(zip(PERSONAS, found["cells"].split(), strict=True))
    return Row(found["kind"], found["what"], cells, found["onward"] or "", (found["tables"] or "").split())


ROWS = read_table()
PAGES = [row for row in ROWS if row.kind in ("GET", "POST", "WS")]
LIVE = [row for row in ROWS if row.kind == "LIVE"]
SEES = [row for row in ROWS if row.kind == "SEES"]


@pytest.fixture(scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    async with gather(tmp_path_factory.mktemp("matrix")) as cast:
        yield cast


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held back for the sake of being alike in time."""
    monkeypatch.setattr("server.guard.LATER_SECONDS", 0.0)


# --- nothing is missing ---


def addresses(routes: Iterable[BaseRoute]) -> set[str]:
    """All that can be asked for, as `METHOD address`."""
    found = set()
    for route in routes:
        assert isinstance(route, Route | WebSocketRoute), route
        methods = (route.methods or set()) - {"HEAD"} if isinstance(route, Route) else {"WS"}
        found |= {f"{method} {route.path}" for method in methods}
    return found


def events() -> set[str]:
    """All that a window may send; commands one by one."""
    commands = {f"command:{kind.__struct_config__.tag}" for kind in get_args(FromWindow)}
    return {"connect"} | commands | (set(FROM_CLIENT) - {"command"})


def test_every_address_event_and_person_has_a_place_in_the_table(cast: Cast) -> None:
    by_name = re.compile(r"{(\w+)}")
    listed = {by_name.sub(lambda part: f"{{{PARTS.get(part[1], part[1])}}}", row.name) for row in PAGES}
    assert listed == addresses(cast.copage.routes)
    assert {row.what.split()[0] for row in LIVE} == events()
    for row in PAGES:
        if "{own}" in row.what:
            assert row.name.replace("{own}", "{sams}") in {other.name for other in PAGES}, "in others' hands, too"
    assert {row.what for row in SEES} == set(cast.canaries)
    assert all(row.tables or not any(cell.endswith("+") for cell in row.cells.values()) for row in ROWS)


def test_a_missing_row_would_be_noticed(cast: Cast) -> None:
    async def nothing(request: object) -> None: ...

    assert "POST /desk/more" in addresses([*cast.copage.routes, Route("/desk/more", nothing, methods=["POST"])])


# --- the pages ---


def form_for(row: Row, cast: Cast) -> dict[str, str]:
    """What a form has to hold for the house to do what it asks for."""
    account, apps, person = cast.accounts, cast.apps, cast.places["person"]
    new = {"login": "newcomer", "password": PASSWORD, "shown": "Newcomer", "job": ""}
    code = cast.places["this:code"]
    forms: dict[str, dict[str, str]] = {
        "/start/{start}/account": new,
        "/sign-in": {"login": "kim", "password": PASSWORD},
        "/sign-in/code": {"code": apps["hal"].code(1)},
        "/sign-in/set-up": {"wrapped": apps["bea"].wrapped, "code": apps["bea"].code()},
        "/welcome/{welcome}": {"login": "pat", "password": PASSWORD},
        "/account/name": {"shown": "Ferry", "job": "nurse"},
        "/account/password": {"present": PASSWORD, "password": "four other words now"},
        "/account/second-step": {
            "wrapped": apps["alex"].wrapped,
            "code": apps["alex"].code(),
            "password": PASSWORD,
        },
        "/account/second-step/off": {"present": PASSWORD},
        "/admin/accounts": {"shown": "Newcomer", "job": "", "role": "worker"},
        "/admin/accounts/{pat}/roles": {"role": "supervisor"},
        "/admin/accounts/{ines}/supervise": {"worker": account["kim"]},
        "/admin/accounts/{ines}/supervise-no-more": {"worker": account["alex"]},
        "/admin/rooms/{room}/add": {"account": account["kim"]},
        "/admin/rooms/{room}/remove": {"account": account["hal"]},
        "/admin/rooms/{room}/lead": {"account": account["hal"]},
        "/desk/prepare": {"room": cast.places["room"], "day": cast.tomorrow, "time": "10:00"},
        "/desk/rooms/{room}/label": {"label": "Medlar"},
        "/desk/rooms/{room}/sessions/{session}/people/remove": {"person": person},
        "/desk/rooms/{room}/sessions/{session}/devices/remove": {"device": cast.places["sams"]},
        "/desk/rooms/{room}/sessions/{session}/arrivals/{waiting}/sentence": {"sentence": "In a moment."},
        "/join/{join}": {"name": "Ada"},
        "/code": {"code": code, "name": "Ada"},
        "/s/{own}/turn": {"page": "people"},
        "/s/{sams}/turn": {"page": "people"},
        **{f"/s/{who}/{what}": {"page": "nights"} for who in ("{own}", "{sams}") for what in ("suggest", "dismiss")},
        "/s/{own}/remove": {"person": person},
        "/s/{sams}/remove": {"person": person},
    }
    return forms.get(row.what, {})


class Asking:
    """Asks for all that is in the table, as everybody, and keeps what came."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.said: dict[str, list[str]] = defaultdict(list)
        """All that each persona was ever answered."""
        self.wrong: list[str] = []
        self.counts: dict[str, int] = defaultdict(int)

    async def page(self, row: Row, who: Persona) -> None:
        cast, form = self.cast, form_for(row, self.cast) if row.kind == "POST" else None
        answer = await who.asks(row.kind, cast.address(row.what, who), form)
        self.said[who.name] += [answer.text, str(answer.headers)]
        await self.compare(row, who, self._outcome(answer, who, row), changed(cast.start, cast.dump()))
        if row.kind == "GET":
            head = await who.asks("HEAD", cast.address(row.what, who))
            if (head.status_code, changed(cast.start, cast.dump())) != (answer.status_code, set()):
                self.wrong.append(f"HEAD {row.what}, {who.name}: {head.status_code}")
        expected = row.cells[who.name]
        if expected in ("404", "none", "403"):
            elsewhere = "/nowhere" if expected == "404" else cast.made_up(row.what)
            if plain(answer) != plain(await who.asks(row.kind, elsewhere, form)):
                self.wrong.append(f"{row.name}, {who.name}: it differs from {elsewhere}")

    def _outcome(self, answer: httpx2.Response, who: Persona, row: Row) -> str:
        if answer.status_code == 404 and row.cells[who.name] == "none":
            return "none"  # Compared with one that does not exist, byte by byte.
        if answer.status_code != 303:
            return str(answer.status_code)
        onward = self.cast.pattern(answer.headers["location"], who)
        if onward == row.onward:
            return "go"
        return {page: step for step, page in STEPS.items()}.get(onward, onward)

    async def compare(self, row: Row, who: Persona, outcome: str, tables: set[str]) -> None:
        """One outcome with its cell; what was written is taken back."""
        outcome += "+" if tables else ""
        self.counts["accepted" if tables else "not written"] += 1
        if outcome != row.cells[who.name]:
            self.wrong.append(f"{row.name}, {who.name}: {outcome} and not {row.cells[who.name]} ({tables or ''})")
        if tables:
            if not {row.tables[0]} <= tables <= set(row.tables):
                self.wrong.append(f"{row.name}, {who.name}: it changed {tables} and not {row.tables}")
            await self.cast.put_back()


@pytest.mark.usefixtures("at_once")
async def test_everybody_gets_of_every_page_what_the_table_says(cast: Cast) -> None:
    asking = Asking(cast)
    for row in PAGES:
        for who in cast.people.values():
            if row.kind == "WS":
                await asking.compare(row, who, await through_the_check(cast, who), set())
            else:
                await asking.page(row, who)
    print(f"{len(PAGES)} rows of {len(PERSONAS)}: {dict(asking.counts)}")
    assert asking.wrong == []
    seen = {(row.what, who): told(cast, row.what, asking.said[who]) for row in SEES for who in PERSONAS}
    assert seen == {(row.what, who): row.cells[who] for row in SEES for who in PERSONAS}


def told(cast: Cast, canary: str, texts: Iterable[str]) -> str:
    pattern = re.compile(cast.canaries[canary])
    return "yes" if any(pattern.search(text) for text in texts) else "no"


async def through_the_check(cast: Cast, who: Persona) -> str:
    address = f"{cast.house.url.replace('http', 'ws', 1)}/check/socket"
    cookies = {"Cookie": who.cookie_header}
    async with connect(address, origin=Origin(cast.house.url), additional_headers=cookies, proxy=None) as socket:
        return "200" if await socket.recv() == "here" else "other"


# --- the live line ---


FIELDS: Mapping[str, Mapping[str, str]] = {
    "turn_page": {"page": "people"},
    "leave": {},
    "remove_participant": {"participant": "{person}"},
    "end_session": {},
    "write": {"box": "looked", "update": "{update}"},
    "remove_for_good": {"passage": "none"},
    "suggest": {"page": "hard-day"},
    "dismiss": {"page": "hard-day"},
    "read_together": {},
    "read_apart": {},
}
PASSING: Mapping[str, object] = {
    "mine": {"along": True, "away": True},
    "point": {"page": "home", "at": ["title", 0, -1, 0.5, 0.5], "tapped": True, "number": 1},
    "sees": {"of": "somebody", "number": 1},
    "place": {"page": "home", "at": ["title", 0.5], "resting": True},
}


async def on_the_line(cast: Cast, who: Persona, row: Row, way: Way) -> tuple[str, list[str]]:
    """What comes of an event, and all that this persona is told meanwhile."""
    event, place = row.what.split()
    ticket = cast.address(place, who).split("/")[2]
    client = LiveClient(cast.house.url, ticket, who.cookies, way=way)
    try:
        await client.open()
        welcome = await client.hello()
        outcome = "ok"
        if event == "digests":
            await client.send_raw("42" + _json(["digests", {"position": welcome["whole"]["position"], "boxes": {}}]))
        if event in PASSING:
            await client.send_raw("42" + _json([event, PASSING[event]]))
        if event in ("catch_up", "digests", *PASSING):  # Nothing answers the others: what comes next is answered.
            await client.send_raw("42" + _json(["catch_up", {"position": welcome["whole"]["position"]}]))
            await client.wait_for("events")
        elif event != "connect":
            kind = event.partition(":")[2]
            fields = {
                name: written_by(who) if value == "{update}" else cast.address(value, who)
                for name, value in FIELDS[kind].items()
            }
            answer = await client.answered(await client.command(kind, None, **fields))
            outcome = answer.get("code", "ok")
    except Closed as closed:
        outcome = str(closed.status) if closed.status else _goodbye(client)
    finally:
        await client.close()
    return outcome, [str(message) for message in client.messages]


def written_by(who: Persona) -> str:
    """An update of the notes, under a client id of this persona's own."""
    notes: Doc[Any] = Doc(client_id=1 + PERSONAS.index(who.name))
    notes.get("looked", type=Text).insert(0, "Hello")
    return b64encode(notes.get_update()).decode()


def _goodbye(client: LiveClient) -> str:
    codes = [payload["code"] for name, payload in client.messages if name == "goodbye"]
    return str(codes[0]) if codes else "closed"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def test_everybody_gets_on_the_live_line_what_the_table_says(cast: Cast) -> None:
    asking = Asking(cast)
    for row in LIVE:
        for who in cast.people.values():
            for way in get_args(Way) if "connect" in row.what else ("websocket",):
                outcome, texts = await on_the_line(cast, who, row, way)
                asking.said[who.name] += texts
                await asking.compare(row, who, outcome, changed(cast.start, cast.dump()))
    print(f"{len(LIVE)} rows of {len(PERSONAS)}: {dict(asking.counts)}")
    assert asking.wrong == []
    for row in SEES:
        for name in PERSONAS:
            assert told(cast, row.what, asking.said[name]) in ("no", row.cells[name]), (row.what, name)


# --- not yours, or not there ---


@pytest.mark.usefixtures("at_once")
async def test_under_the_desk_and_the_admins_pages_no_address_stands_out(cast: Cast) -> None:
    """Whatever is asked for in whatever way, by whoever may not: as if there were nothing."""
    different = []
    for top, strangers in (("/admin", ("member", "other", "superv")), ("/desk", ("admin",))):
        paths = {route.path for route in cast.copage.routes if isinstance(route, Route) and route.path.startswith(top)}
        for who in (cast.people[name] for name in strangers):
            for method in ("GET", "HEAD", "POST"):
                nowhere = plain(await who.asks(method, "/nowhere"))
                addresses = [cast.made_up(path) for path in sorted(paths)]
                different += [each for each in addresses if plain(await who.asks(method, each)) != nowhere]
    assert different == []


async def test_in_a_room_of_ones_own_a_session_of_another_room_is_none(cast: Cast) -> None:
    kim, inside = cast.people["other"], "/desk/rooms/{room}/sessions/{session}"
    for path in {route.path for route in cast.copage.routes if isinstance(route, Route) and inside in route.path}:
        address = cast.address(path.replace("{ticket}", "{waiting}").replace("{room}", "{kims}"), kim)
        elsewhere = address.replace(cast.places["session"], made_up()).replace(cast.places["waiting"], made_up())
        answer = await kim.asks("POST", address)
        assert answer.status_code == 404 and plain(answer) == plain(await kim.asks("POST", elsewhere))
    assert cast.dump() == cast.start


@pytest.fixture
async def forgotten(cast: Cast) -> AsyncIterator[str]:
    """A link whose session has been over for so long that it is not known any more, before it is swept away."""
    await cast.copage.opened.database.write(
        Statement("UPDATE invitations SET over_at = 1 WHERE hash = $1", (digest(cast.places["cleos"]),), rows=1)
    )
    yield f"/join/{cast.places['cleos']}"
    await cast.put_back()


async def test_a_link_that_is_long_over_is_like_one_that_never_was(cast: Cast, forgotten: str) -> None:
    for method, form in (("GET", None), ("POST", {"name": "Ada"})):
        for who in cast.people.values():
            answer = await who.asks(method, forgotten, form)
            assert answer.status_code == 404 and plain(answer) == plain(await who.asks(method, "/join/made-up", form))


class Clocked:
    """Requests put to the house itself, without a network between, and how long each took."""

    def __init__(self, cast: Cast, who: Persona, method: str) -> None:
        url = cast.house.url
        said = {"host": url.removeprefix("http://"), "cookie": who.cookie_header, "accept": "text/html"}
        said |= {"origin": url} if method == "POST" else {}
        self._app = cast.copage.asgi
        self._scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in said.items()],
            "client": ("192.0.2.99", 1),
            "server": ("127.0.0.1", cast.house.port),
        }

    async def seconds(self, address: str) -> float:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None: ...

        scope = {**self._scope, "path": address, "raw_path": address.encode()}
        began = time.perf_counter()
        await self._app(scope, receive, send)
        return time.perf_counter() - began


Pair: TypeAlias = tuple[str, str, str, str | None]
"""Who asks and how, for what is another's, and for what is not there at all; None: the same with made-up names."""


async def probabilities(cast: Cast, pairs: Sequence[Pair], number: int) -> Sequence[float]:
    """That both addresses of a pair, asked for in turn, are answered in equal times; of each pair."""

    async def probability(name: str, method: str, there: str, nowhere: str | None) -> float:
        who = cast.people[name]
        clocked, some = Clocked(cast, who, method), cast.address(there, who)
        others = cast.made_up(there) if nowhere is None else cast.address(nowhere, who)
        took: dict[str, list[float]] = {some: [], others: []}
        for _ in range(number):
            for address in random.sample([some, others], 2):
                took[address].append(await clocked.seconds(address))
        return mann_whitney(took[some], took[others])

    return await asyncio.gather(*(probability(*pair) for pair in pairs))


async def test_the_time_of_a_refusal_does_not_tell_whether_there_is_something(
    cast: Cast, forgotten: str, amount: Amount
) -> None:
    room, session = "/desk/rooms/{room}", "/desk/rooms/{room}/sessions/{session}"
    of_kims = "/desk/rooms/{kims}/sessions"
    pairs: list[Pair] = [
        ("other", "GET", room, None),
        ("other", "POST", f"{session}/end", None),
        ("other", "POST", f"{session}/arrivals/{{waiting}}/admit", None),
        ("other", "POST", f"{of_kims}/{{session}}/end", f"{of_kims}/{made_up()}/end"),
        ("superv", "GET", room, "/desk/{rest}"),
        ("robin", "GET", "/s/{sams}", None),
        ("nobody", "POST", "/s/{sams}/turn", None),
        ("nobody", "POST", "/s/{sams}/leave", None),
        ("member", "GET", "/admin/accounts/{pat}", "/admin/{rest}"),
        ("member", "GET", "/admin/accounts", "/admin/{rest}"),
        ("nobody", "GET", forgotten, f"/join/{made_up()}"),
    ]
    number = amount(200, 2_000)
    found = await probabilities(cast, pairs, number)
    for (name, method, there, _), p in zip(pairs, found, strict=True):
        print(f"{name} {method} {there.replace(forgotten, 'a forgotten link')}: p = {p:.3f}")
    least = min(1.0, min(found) * len(found))
    print(f"the least of {len(found)}, times {len(found)}: p = {least:.3f}; {number} of each, in turn")
    assert least > 0.001


@pytest.mark.usefixtures("at_once")
async def test_without_a_little_while_by_chance_it_would_tell(cast: Cast, amount: Amount) -> None:
    """One question to the database more or less is what the measurement above has to be able to see."""
    [p] = await probabilities(cast, [("member", "GET", "/nowhere", "/admin/{rest}")], amount(200, 2_000))
    print(f"one is answered without a question to the database, and at once: p = {p:.1e}")
    assert p < 0.001
