"""Out is out: disabled, removed, ended, signed out or revoked, at random moments, measured on the wire."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from random import Random
from typing import TypeAlias

import httpx2
import msgspec
import pytest

from tests.conftest import Amount
from tests.house import House
from tests.mutations import copy_of_the_tree, mutate
from tests.server.outsider import Person, Window, is_content, sends_slowly
from tests.visitor import PASSWORD, Held, Visitor
from tests.waiting import until

pytestmark = pytest.mark.timeout(900)

SEED = 4
AT_ONCE = 3
"""Sessions in which somebody is put out at the same time."""
FAST = {"COPAGE_COMMANDS_PER_SECOND": "1000", "COPAGE_PROXIES": "127.0.0.1"}
ALLOWED, NEVER_AFTER = 0.5, 1.0
"""Seconds after which no content comes: for 99 of 100, and for all."""
TOO_LATE, STILL_OPEN = "content came to somebody who is out", "a connection outlived its right"
STILL_OPENS, WRITES_ON = "an address still opens", "somebody who is out has written"
ADDRESSES = (f"10.0.{nth >> 8}.{nth & 255}" for nth in count(1))
STAYING = ("hard-day", "people")
LEAVING = ("what-matters", "next-step")


class Put(msgspec.Struct):
    """Somebody was put out. Seconds count from a moment that is certainly before the commit (`before_the_commit`)."""

    kind: str
    answered: float
    last_content: float
    closed: float
    opens: Sequence[str]
    late_events: int


class Scene(msgspec.Struct):
    """Who is put out, by which form, and who stays. `stays_on`: for them the session goes on."""

    out: Person
    stays: Person
    act: Callable[[], Awaitable[httpx2.Response]]
    stays_on: bool = True


class Clinic:
    """One of several workers, and the admin of the house."""

    def __init__(self, admin: Visitor, login: str, account: str, work: Visitor, home: Visitor, chance: Random) -> None:
        self.admin = admin
        self.login = login
        self.account = account
        self.work = work
        self.home = home
        """Another browser of the same worker."""
        self.chance = chance

    # --- one scene for each way out ---

    async def disabled(self) -> Scene:
        """The worker's account, by the admin."""
        _, kim, sam = await self.session()
        out = Person(kim, LEAVING, desk=self.work, reads=("/page/home", "/arrivals"))
        return Scene(out, self._staying(sam), lambda: self.admin.sends(f"/admin/accounts/{self.account}/disable"))

    async def removed(self) -> Scene:
        """*This is not Sam*, from the session's page."""
        _, kim, sam = await self.session()
        out = self._leaving(sam)
        return Scene(out, self._staying(kim), lambda: self.work.sends(f"/s/{kim.ticket}/remove", person=out.you))

    async def device_removed(self) -> Scene:
        """A phone that was lost; the tablet stays."""
        room, _, tablet = await self.session()
        session = await self.session_in(room)
        await self.work.sends(f"{session}/link")
        _, phone = await self._lets_in_sam(room)
        out = self._leaving(phone)
        return Scene(
            out, self._staying(tablet), lambda: self.work.sends(f"{session}/devices/remove", device=phone.ticket)
        )

    async def ended(self) -> Scene:
        _, kim, sam = await self.session()
        act = lambda: self.work.sends(f"/s/{kim.ticket}/end")  # noqa: E731 (a name keeps the line short)
        return Scene(self._leaving(sam), self._staying(kim), act, stays_on=False)

    async def signed_out(self) -> Scene:
        """The worker, by a new password or *Sign out everywhere*, from another browser."""
        _, kim, sam = await self.session()
        await self.is_back(self.home)
        out = Person(kim, LEAVING, desk=self.work, reads=("/page/home", "/arrivals"))
        new = {"present": PASSWORD, "password": PASSWORD}
        if self.chance.random() < 0.5:
            return Scene(out, self._staying(sam), lambda: self.home.sends("/account/password", **new))
        return Scene(out, self._staying(sam), lambda: self.home.sends("/account/sign-out-everywhere"))

    async def revoked(self) -> Scene:
        """The link, while Sam waits by it and reads; Kim, whom the worker let in before, stays."""
        room, _, kim = await self.session()
        session = await self.session_in(room)
        await self.work.sends(f"{session}/link")
        link = await self.work.link_of(room)
        async with Visitor(self.work.house) as device:
            sam = await device.knocks(link, "Noor")
        out = Person(sam, LEAVING, ways=(), reads=("/topic/home", "/topic/people"))
        return Scene(out, self._staying(kim), lambda: self.work.sends(f"{session}/revoke"))

    # --- what they have in common ---

    async def is_back(self, browser: Visitor) -> None:
        """The worker can work again, if they were out."""
        if (await browser.looks_at("/account")).status_code != 200:
            await self.admin.sends(f"/admin/accounts/{self.account}/enable")
            browser._http.headers["X-Forwarded-For"] = next(ADDRESSES)  # From one, nobody may sign in so often.
            await browser.signs_in(self.login)

    async def session(self) -> tuple[str, Held, Held]:
        await self.is_back(self.work)
        room = await self.work.starts_room()
        return room, *await self._lets_in_sam(room)

    async def session_in(self, room: str) -> str:
        found = re.search(rf'action="({room}/sessions/[\w-]+)/link"', (await self.work.looks_at(room)).text)
        assert found
        return found[1]

    async def _lets_in_sam(self, room: str) -> tuple[Held, Held]:
        """The worker goes in with him, as nobody of them is in yet."""
        async with Visitor(self.work.house) as device:
            sam = await device.knocks(await self.work.link_of(room))
        [kim] = self.work._tickets(await self.work.admits(sam))
        return kim, sam

    def _leaving(self, held: Held) -> Person:
        return Person(held, LEAVING, reads=("/page/home",))

    def _staying(self, held: Held) -> Person:
        return Person(held, STAYING, ways=("websocket",))


Kind: TypeAlias = Callable[[Clinic], Awaitable[Scene]]
KINDS: dict[str, Kind] = {
    "disabled": Clinic.disabled,
    "removed": Clinic.removed,
    "device removed": Clinic.device_removed,
    "ended": Clinic.ended,
    "signed out": Clinic.signed_out,
    "revoked": Clinic.revoked,
}


async def clinics(house: House, number: int, stack: AsyncExitStack) -> list[Clinic]:
    """So many workers with two browsers each, and one admin for all of them."""
    admin = await stack.enter_async_context(Visitor(house))
    await admin.makes_account()
    found = []
    for nth in range(number):
        login = f"kim{nth}"
        work, home = [await stack.enter_async_context(Visitor(house)) for _ in range(2)]
        await work.takes_up(await admin.invites(f"Kim {nth}", "nurse", "worker"), login)
        [account] = re.findall(
            rf'href="/admin/accounts/([\w-]+)"><strong>Kim {nth}', (await admin.looks_at("/admin")).text
        )
        found.append(Clinic(admin, login, account, work, home, Random(SEED + nth)))
    return found


async def passing(seconds: float) -> None:
    """Let what goes on go on for a while."""
    until_then = time.monotonic() + seconds
    await until(lambda: time.monotonic() > until_then, "the time to pass", seconds + 5)


async def put_out(clinic: Clinic, kind: str) -> Put:
    """Everybody is busy; at a random moment somebody is put out, and is watched until nothing may come any more."""
    scene = await KINDS[kind](clinic)
    async with scene.stays, scene.out:
        scene.stays.turns_pages()
        scene.out.uses_everything()
        begun = time.monotonic()
        await passing(clinic.chance.uniform(0.05, 0.4))
        asked = time.monotonic()
        answer = await scene.act()
        answered = time.monotonic() - asked
        assert answer.status_code == 303, answer.text
        await passing(NEVER_AFTER + 0.2)
        assert scene.out.content_at > begun, "nothing came before, either"
        assert not scene.stays_on or scene.stays.content_at > asked + NEVER_AFTER, "the others do not go on"
        before = before_the_commit(scene, asked)
        return Put(
            kind,
            answered,
            max(0.0, scene.out.content_at - before),
            max([0.0, *((each.closed_at or math.inf) - before for each in scene.out.windows)]),
            await scene.out.what_opens(),
            events_after(scene),
        )


def before_the_commit(scene: Scene, asked: float) -> float:
    """When it was asked for; or, as a new password takes a while to be made, when the sign-in certainly still held:
    when something was asked of it that it then opened."""
    return max(asked, scene.out.signed_in_at)


def events_after(scene: Scene) -> int:
    """How many events whoever is out made after the one that put them out, in the order that the others were told."""
    events = [frame["event"] for frame in scene.stays.frames()]
    ends = [nth for nth, event in enumerate(events) if event["kind"] in ("participant_left", "unseen", "session_ended")]
    if not scene.out.windows:
        return 0
    assert len(ends) == 1, ends
    assert any(event.get("page") in LEAVING for event in events[: ends[0]]), "nothing was in flight"
    return sum(event.get("page") in LEAVING for event in events[ends[0] :])


def p(percent: int, values: Sequence[float]) -> float:
    """The value that so many percent of `values` do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def show(name: str, puts: Sequence[Put]) -> None:
    late = [put.last_content * 1000 for put in puts]
    closed, answered = [put.closed * 1000 for put in puts], [put.answered * 1000 for put in puts]
    print(
        f"{name}: {len(puts)} moments; last content after p50 {p(50, late):.0f}, p99 {p(99, late):.0f}, "
        f"most {max(late):.0f} ms; closed after {max(closed):.0f} ms at most; answered after {p(50, answered):.0f} ms"
    )


def complaints(puts: Sequence[Put]) -> set[str]:
    """What the bar does not allow."""
    late = [put.last_content for put in puts]
    said = {
        TOO_LATE: p(99, late) > ALLOWED or max(late) > NEVER_AFTER,
        STILL_OPEN: max(put.closed for put in puts) > NEVER_AFTER,
        STILL_OPENS: any(put.opens for put in puts),
        WRITES_ON: any(put.late_events for put in puts),
    }
    return {complaint for complaint, true in said.items() if true}


async def rounds(staff: Sequence[Clinic], kinds: Sequence[str]) -> list[Put]:
    """Somebody is put out in each of these ways, in some sessions at once."""
    puts: list[Put] = []
    waiting = iter(kinds)

    async def work(clinic: Clinic) -> None:
        for kind in waiting:
            puts.append(await put_out(clinic, kind))

    await asyncio.gather(*(work(clinic) for clinic in staff))
    return puts


@pytest.fixture(scope="module")
async def staff(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Clinic]]:
    house = House(tmp_path_factory.mktemp("out"), environ=FAST)
    await house.start()
    async with AsyncExitStack() as stack:
        yield await clinics(house, AT_ONCE, stack)
    await house.stop()


async def test_who_is_out_gets_nothing_more(staff: list[Clinic], amount: Amount) -> None:
    """[PT9] [PT11] [VW1]"""
    moments = amount(20, 200)
    kinds = (list(KINDS) * moments)[:moments]
    Random(SEED).shuffle(kinds)
    print(f"seed {SEED}, {AT_ONCE} sessions at once; times count from before the commit")
    puts = await rounds(staff, kinds)
    for kind in KINDS:
        show(kind, [put for put in puts if put.kind == kind])
    show("all", puts)
    assert complaints(puts) == set()


# --- what is still on its way ---


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "revoked"])
async def test_a_form_that_is_still_on_its_way_comes_to_nothing(staff: list[Clinic], kind: str) -> None:
    """It was begun by somebody who might send it, and was complete when they might not any more."""
    scene = await KINDS[kind](staff[0])
    async with scene.out, scene.stays:
        held = scene.out.held
        form = f"page={LEAVING[0]}"
        answer = await sends_slowly(held.house, f"/s/{held.ticket}/turn", held.cookie_header, form, scene.act)
        assert not is_content(answer), answer
        turned = [frame["event"].get("page") for frame in scene.stays.frames()]
        assert LEAVING[0] not in turned


async def test_a_form_of_the_desk_that_is_still_on_its_way_comes_to_nothing(staff: list[Clinic]) -> None:
    clinic = staff[0]
    scene = await clinic.disabled()
    cookie = f"copage_staff={clinic.work._http.cookies['copage_staff']}"
    answer = await sends_slowly(clinic.work.house, "/desk/sessions", cookie, "label=", scene.act)
    assert "location: /sign-in" in answer, answer


async def test_who_fetches_late_gets_nothing_that_was_left_for_them(staff: list[Clinic]) -> None:
    """[VW1] Sam's phone polls, and is out of reach while the session ends."""
    clinic = staff[0]
    scene = await clinic.ended()
    late = Window(scene.out.held, "polling")
    async with scene.stays, late:
        await late.hello()
        scene.stays.turns_pages()
        await late.wait_for("events")
        await late.stops_polling()
        told = len(scene.stays.frames())
        await until(lambda: len(scene.stays.frames()) > told + 20, "more pages")
        await scene.act()
        await passing(ALLOWED)
        assert await late.what_is_left() == ""


# --- who comes in at the very moment ---


async def test_nobody_comes_to_wait_by_a_link_that_is_being_revoked(staff: list[Clinic], amount: Amount) -> None:
    """[DR1]"""
    clinic = staff[0]
    room, _, _ = await clinic.session()
    session = await clinic.session_in(room)
    waited = refused = 0
    async with Visitor(clinic.work.house) as device:
        for _ in range(amount(20, 200)):
            await clinic.work.sends(f"{session}/link")
            link = await clinic.work.link_of(room)
            _, *answers = await asyncio.gather(
                clinic.work.sends(f"{session}/revoke"), *(device.sends(link, name=name) for name in ("Noor", "Olu"))
            )
            waited += sum(answer.status_code == 303 for answer in answers)
            refused += sum(answer.status_code == 410 for answer in answers)
            for answer in answers:
                assert answer.status_code in (303, 410), answer.text
            assert "/arrivals/" not in (await clinic.work.looks_at(room)).text, "somebody waits by a link that is gone"
    print(f"{waited} knocked before, {refused} after")


async def test_nobody_goes_in_while_they_are_being_disabled(staff: list[Clinic], amount: Amount) -> None:
    clinic = staff[1]
    given = 0
    for _ in range(amount(5, 60)):
        await clinic.is_back(clinic.work)
        session = await clinic.session_in(await clinic.work.starts_room())
        enters = [asyncio.create_task(clinic.work.sends(f"{session}/enter")) for _ in range(6)]
        await passing(clinic.chance.uniform(0, 0.03))
        await clinic.admin.sends(f"/admin/accounts/{clinic.account}/disable")
        for answer in await asyncio.gather(*enters):
            if answer.headers.get("location", "").startswith("/s/"):
                [held] = clinic.work._tickets(answer)
                given += 1
                async with Person(held, LEAVING, ways=()) as kim:
                    assert await kim.what_opens() == []
    print(f"{given} tickets were given before, and open nothing after")


# --- would it be noticed? ---

NO_GOODBYES = (
    "server/open_room.py",
    """all but who was put out have just been told.\"\"\"
""",
    """all but who was put out have just been told.\"\"\"
        return
""",
)
TOLD_ON = (
    "server/open_room.py",
    "return [each for each, member in self._members.items() if self._why_not(member.seat) is None]",
    "return list(self._members)",
)
ANY_DEVICE = ("rooms/decide.py", "if actor.device in room.session.removed_devices:", "if False:")


@pytest.mark.parametrize(
    ("mutations", "said"),
    [
        ([NO_GOODBYES], {STILL_OPEN}),
        ([NO_GOODBYES, TOLD_ON, ANY_DEVICE], {STILL_OPEN, TOO_LATE, WRITES_ON}),
    ],
    ids=["connections stay open", "they are told on, and write on"],
)
async def test_it_would_be_noticed(mutations: list[tuple[str, str, str]], said: set[str], tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    for mutation in mutations:
        mutate(tree, *mutation)
    house = House(tmp_path / "data", tree=tree, environ=FAST)
    await house.start()
    async with AsyncExitStack() as stack:
        puts = await rounds(await clinics(house, 2, stack), ["removed", "device removed"])
    await house.stop()
    assert complaints(puts) == said
