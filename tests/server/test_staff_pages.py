"""The pages of staff, over HTTP: signing in by stages, one's own account, and what admins do."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pyotp
import pytest

from server.app import Copage, create_app
from server.clock import SystemClock
from server.identity import StaffRole
from server.ports import Statement
from server.settings import read_settings
from tests.contracts.trouble import no_trouble
from tests.house import House
from tests.visitor import PASSWORD, Visitor

ADDRESS = "https://pages.example.org"
CLOSED_TO_HALF = ("/desk", "/account", "/account/second-step", "/admin")


@pytest.fixture(scope="module")
async def open_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house on this machine: the second step is for who wants it. Alex is its admin and a worker."""
    house = House(tmp_path_factory.mktemp("staff"))
    await house.start()
    async with Visitor(house) as operator:
        await operator.makes_account()
    yield house
    await house.stop()


@pytest.fixture(scope="module")
async def strict_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house in which everybody needs the second step."""
    house = House(tmp_path_factory.mktemp("strict"), environ={"COPAGE_SECOND_STEP": "required"})
    await house.start()
    yield house
    await house.stop()


@pytest.fixture
async def alex(open_house: House) -> AsyncIterator[Visitor]:
    async with Visitor(open_house) as visitor:
        await visitor.signs_in()
        yield visitor


@pytest.fixture
async def browser(open_house: House) -> AsyncIterator[Visitor]:
    """Of somebody who is not signed in."""
    async with Visitor(open_house) as visitor:
        yield visitor


class App:
    """An app for codes, set up from the page that shows its secret."""

    def __init__(self, page: str) -> None:
        found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
        wrapped = re.search(r'name="wrapped" value="([^"]+)"', page)
        assert found and wrapped, page
        assert "<svg" in page and " style=" not in page
        self.wrapped = wrapped[1]
        self._codes = pyotp.TOTP(found[1].replace(" ", ""))

    def code(self, steps_from_now: int = 0) -> str:
        return self._codes.at(int(time.time()) + 30 * steps_from_now)


def cookie_of(answer: httpx2.Response) -> str:
    found = re.search(r"copage_staff=([\w-]+);", answer.headers["set-cookie"])
    assert found
    return found[1]


async def account_page(admin: Visitor, name: str) -> str:
    """The address of the page about an account."""
    page = (await admin.looks_at("/admin")).text
    found = re.search(rf'href="(/admin/accounts/[\w-]+)"><strong>{re.escape(name)}</strong>', page)
    assert found, page
    return found[1]


async def with_cookie(house: House, cookie: str, address: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=house.url) as http:
        return await http.get(address, headers={"Cookie": f"copage_staff={cookie}"})


# --- signing in, by stages ---


async def test_where_it_is_required_nobody_gets_further_without_a_second_step(strict_house: House) -> None:
    async with Visitor(strict_house) as alex:
        link = f"{strict_house.new_link()}/account"
        first = await alex.sends(link, login="kim", password=PASSWORD, shown="Kim", job="")
        assert first.headers["location"] == "/sign-in/set-up"
        for address in CLOSED_TO_HALF:
            assert (await alex.looks_at(address)).headers["location"] == "/sign-in/set-up"
        assert (await alex.sends("/account/awake")).status_code == 401
        assert (await alex.sends("/desk/practice")).headers["location"] == "/sign-in/set-up"
        app = App((await alex.looks_at("/sign-in/set-up")).text)
        wrong = await alex.sends("/sign-in/set-up", wrapped=app.wrapped, code="000")
        assert wrong.status_code == 422 and App(wrong.text).code() == app.code(), "the same app may try again"
        made = await alex.sends("/sign-in/set-up", wrapped=app.wrapped, code=app.code())
        codes = re.findall(r"<code>(\w{5}-\w{5})</code>", made.text)
        assert made.status_code == 200 and len(set(codes)) == 10
        assert cookie_of(made) != cookie_of(first)
        assert (await with_cookie(strict_house, cookie_of(first), "/account")).headers["location"] == "/sign-in"
        assert (await alex.looks_at("/account")).status_code == 200
        assert (await alex.sends("/account/second-step/off", present=PASSWORD)).status_code == 409

        await alex.sends("/sign-out")
        half = await alex.sends("/sign-in", login="kim", password=PASSWORD)
        assert half.headers["location"] == "/sign-in/code"
        for address in CLOSED_TO_HALF:
            assert (await alex.looks_at(address)).headers["location"] == "/sign-in/code"
        assert (await alex.looks_at("/sign-in/set-up")).headers["location"] == "/sign-in"
        assert (await alex.sends("/sign-in/code", code=app.code(-3))).status_code == 422
        whole = await alex.sends("/sign-in/code", code=app.code(1))
        assert whole.headers["location"] == "/desk" and cookie_of(whole) != cookie_of(half)
        assert (await with_cookie(strict_house, cookie_of(half), "/sign-in/code")).headers["location"] == "/sign-in"

        await alex.sends("/sign-out")
        await alex.sends("/sign-in", login="kim", password=PASSWORD)
        assert (await alex.sends("/sign-in/code", code=app.code(1))).status_code == 422, "used"
        assert (await alex.sends("/sign-in/code", code=codes[0])).headers["location"] == "/desk"
        assert "Recovery codes left: 9" in (await alex.looks_at("/account")).text


async def test_a_foreign_page_signs_nobody_in(open_house: House) -> None:
    async with httpx2.AsyncClient(base_url=open_house.url) as http:
        form = {"login": "alex", "password": PASSWORD}
        for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
            answer = await http.post("/sign-in", data=form, headers=headers)
            assert answer.status_code == 403 and "set-cookie" not in answer.headers


async def test_a_cookie_that_was_there_before_is_not_the_one_that_signs_in(browser: Visitor) -> None:
    first = await browser.sends("/sign-in", login="alex", password=PASSWORD)
    second = await browser.sends("/sign-in", login="alex", password=PASSWORD)
    assert cookie_of(first) != cookie_of(second)
    gone = await with_cookie(browser.house, cookie_of(first), "/account")
    assert gone.headers["location"] == "/sign-in"


# --- the own account ---


async def test_alex_changes_name_and_password_and_is_told(alex: Visitor, browser: Visitor) -> None:
    link = await alex.invites("Robin", "nurse", "worker")
    await browser.takes_up(link, "robin")
    await browser.sends("/account/name", shown="Robin", job="team lead")
    assert 'value="team lead"' in (await browser.looks_at("/account?done=name")).text
    assert (await browser.sends("/account/name", shown="", job="")).status_code == 422
    wrong = await browser.sends("/account/password", present="not this one", password="four other words now")
    assert wrong.status_code == 422 and 'role="alert"' in wrong.text
    assert (await browser.sends("/account/password", present=PASSWORD, password="short")).status_code == 422
    async with Visitor(alex.house) as elsewhere:
        await elsewhere.signs_in("robin")
        changed = await browser.sends("/account/password", present=PASSWORD, password="four other words now")
        assert changed.headers["location"] == "/account?done=password"
        assert (await elsewhere.looks_at("/account")).headers["location"] == "/sign-in"
        assert (await browser.looks_at("/account?done=password")).status_code == 200
        assert (await elsewhere.sends("/sign-in", login="robin", password=PASSWORD)).status_code == 422


async def test_signed_out_everywhere_is_here_too(alex: Visitor, browser: Visitor) -> None:
    await browser.signs_in()
    answer = await browser.sends("/account/sign-out-everywhere")
    assert answer.headers["location"] == "/sign-in"
    for visitor in (alex, browser):
        assert (await visitor.looks_at("/account")).headers["location"] == "/sign-in"


async def test_where_it_is_not_required_a_second_step_comes_and_goes_by_the_password(
    alex: Visitor, browser: Visitor
) -> None:
    await browser.takes_up(await alex.invites("Noor", "", "worker"), "noor")
    app = App((await browser.looks_at("/account/second-step")).text)
    for password, code in (("not this one", app.code()), (PASSWORD, "000")):
        answer = await browser.sends("/account/second-step", wrapped=app.wrapped, password=password, code=code)
        assert answer.status_code == 422 and "<code>" not in answer.text
    made = await browser.sends("/account/second-step", wrapped=app.wrapped, password=PASSWORD, code=app.code())
    assert made.text.count("<li><code>") == 10
    async with Visitor(alex.house) as elsewhere:
        half = await elsewhere.sends("/sign-in", login="noor", password=PASSWORD)
        assert half.headers["location"] == "/sign-in/code"
        assert (await browser.sends("/account/second-step/off", present="not this one")).status_code == 422
        off = await browser.sends("/account/second-step/off", present=PASSWORD)
        assert off.headers["location"] == "/account?done=off"
        await elsewhere.sends("/sign-out")
        assert (await elsewhere.sends("/sign-in", login="noor", password=PASSWORD)).headers["location"] == "/desk"


async def test_the_page_can_ask_how_long_a_sign_in_lasts(alex: Visitor, browser: Visitor) -> None:
    assert (await browser.looks_at("/account/awake")).status_code == 401
    assert (await browser.sends("/account/awake")).status_code == 401
    for answer in (await alex.looks_at("/account/awake"), await alex.sends("/account/awake")):
        assert 800 < answer.json()["seconds_left"] <= 900
    page = (await alex.looks_at("/account")).text
    assert '<dialog class="idle"' in page and "{seconds}" in page


# --- admins ---


async def test_to_everybody_but_admins_there_is_no_such_page(alex: Visitor, browser: Visitor) -> None:
    await browser.takes_up(await alex.invites("Kim", "nurse", "worker", "supervisor"), "kim")
    page = await account_page(alex, "Kim, nurse")
    nowhere = await browser.looks_at("/nowhere")
    for address in ("/admin", page, f"{page}x"):
        answer = await browser.looks_at(address)
        assert (answer.status_code, answer.content) == (nowhere.status_code, nowhere.content)
    sent = await browser.sends("/nowhere")
    for form in ("/admin/accounts", *(f"{page}/{each}" for each in ("roles", "disable", "enable", "reset"))):
        answer = await browser.sends(form, role="admin")
        assert (answer.status_code, answer.content) == (sent.status_code, sent.content)
    assert (await alex.looks_at(f"{page}x")).content == nowhere.content, "no such account"
    assert 'href="/admin"' not in (await browser.looks_at("/account")).text
    async with Visitor(alex.house) as stranger:
        assert (await stranger.looks_at("/admin")).headers["location"] == "/sign-in"


async def test_the_link_is_seen_once_and_takes_its_person_to_their_pages(alex: Visitor, browser: Visitor) -> None:
    link = await alex.invites("Olu", "", "admin")
    assert link not in (await alex.looks_at("/admin")).text
    assert link not in (await alex.looks_at(await account_page(alex, "Olu"))).text
    for _ in range(3):
        assert "Olu" in (await browser.looks_at(link)).text
    again = await browser.sends(link, login="olu", password="short")
    assert again.status_code == 422 and 'value="olu"' in again.text
    taken = await browser.sends(link, login="olu", password=PASSWORD)
    assert taken.headers["location"] == "/admin"
    assert (await browser.looks_at("/admin")).status_code == 200
    assert (await browser.looks_at("/desk")).status_code == 404
    for answer in (await alex.looks_at(link), await alex.sends(link, login="eve", password=PASSWORD)):
        assert answer.status_code == 404 and "Olu" not in answer.text
    gone = await alex.sends(f"{await account_page(alex, 'Olu')}/disable")
    assert gone.status_code == 303
    dead = await alex.sends(f"{await account_page(alex, 'Olu')}/reset")
    assert dead.status_code == 409 and "let them sign in again first" in dead.text and "/welcome/" not in dead.text


async def test_an_invitation_that_cannot_be_is_asked_for_again(alex: Visitor) -> None:
    nobody = await alex.sends("/admin/accounts", shown="", job="", role="worker")
    nothing = await alex.sends("/admin/accounts", shown="Pat", job="nurse")
    assert nobody.status_code == nothing.status_code == 422
    assert 'value="Pat"' in nothing.text and "<strong>Pat" not in (await alex.looks_at("/admin")).text


async def test_the_only_admin_cannot_remove_themselves(alex: Visitor) -> None:
    page = await account_page(alex, "Alex, nurse")
    for form, role in (("disable", ""), ("reset", ""), ("roles", "worker")):
        answer = await alex.sends(f"{page}/{form}", role=role)
        assert answer.status_code == 409 and "only admin" in answer.text and "/welcome/" not in answer.text
    assert (await alex.looks_at("/admin")).status_code == 200


async def test_alex_says_whom_robin_supervises(alex: Visitor) -> None:
    for name, role in (("Ines", "supervisor"), ("Uwe", "worker")):
        await alex.invites(name, "", role)
    ines, uwe = [await account_page(alex, name) for name in ("Ines", "Uwe")]
    worker = uwe.rpartition("/")[2]
    assert (await alex.sends(f"{ines}/supervise", worker="made up")).status_code == 422
    assert (await alex.sends(f"{ines}/supervise", worker=worker)).status_code == 303
    assert f'href="{ines}"' in (await alex.looks_at(uwe)).text
    assert f'<option value="{worker}">' not in (await alex.looks_at(ines)).text
    await alex.sends(f"{ines}/supervise-no-more", worker=worker)
    assert f'href="{ines}"' not in (await alex.looks_at(uwe)).text


# --- at once: inside one process, with tickets ---


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Copage]:
    """The product in this process, at an address of its own: https, and the second step switched off by its setting."""
    environ = {"COPAGE_DATA": str(tmp_path), "COPAGE_PUBLIC_URL": ADDRESS, "COPAGE_SECOND_STEP": "optional"}
    async with create_app(read_settings(environ), no_trouble) as copage:
        yield copage


def another_browser(copage: Copage) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(copage.asgi)
    return httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers={"Origin": ADDRESS})


async def ticket_of(copage: Copage, name: str, account: str, sign_in: str = "") -> None:
    sql = (
        "INSERT INTO tickets "
        "(id, room, session, participant, role, secret_hash, here_hash, created_at, account, sign_in) VALUES "
        "($1, 'room', 'session', $1, 'worker', '', '', 1, $2, $3)"
    )
    await copage.opened.database.write(Statement(sql, (name, account, sign_in)))


async def ended(copage: Copage) -> set[object]:
    rows = await copage.opened.database.read("SELECT id FROM tickets WHERE ended_why = 'removed'")
    return {row["id"] for row in rows}


@pytest.mark.parametrize(
    ("form", "fields", "out"),
    [
        ("disable", {}, {"kims", "kims_other"}),
        ("reset", {}, {"kims", "kims_other"}),
        ("roles", {"role": "supervisor"}, {"kims", "kims_other"}),
        ("roles", {"role": "worker"}, set[str]()),
        ("enable", {}, set[str]()),
    ],
)
async def test_what_an_admin_takes_away_is_gone_at_once(
    inside: Copage, form: str, fields: dict[str, str], out: set[str]
) -> None:
    await inside.accounts.create("alex", PASSWORD, "Alex", "")
    kim, token = await inside.keeping.invite("Kim", "", [StaffRole.WORKER])
    await inside.accounts.take_up(token, "kim", PASSWORD)
    for name, account in (("kims", kim.id), ("kims_other", kim.id), ("anothers", "another")):
        await ticket_of(inside, name, account)
    async with another_browser(inside) as alex, another_browser(inside) as kims:
        await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        await kims.post("/sign-in", data={"login": "kim", "password": PASSWORD})
        assert "__Host-copage_staff" in kims.cookies
        await alex.post(f"/admin/accounts/{kim.id}/{form}", data=fields)
        assert await ended(inside) == out
        signed_in = (await kims.get("/account")).status_code == 200
        assert signed_in == (form not in ("disable", "reset"))


async def test_who_is_no_admin_any_more_stays_in_the_session_they_work_in(inside: Copage) -> None:
    await inside.accounts.create("alex", PASSWORD, "Alex", "")
    kim, token = await inside.keeping.invite("Kim", "", [StaffRole.WORKER, StaffRole.ADMIN])
    await inside.accounts.take_up(token, "kim", PASSWORD)
    await ticket_of(inside, "kims", kim.id)
    async with another_browser(inside) as alex:
        await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        await alex.post(f"/admin/accounts/{kim.id}/roles", data={"role": "worker"})
        assert await ended(inside) == set()
        await alex.post(f"/admin/accounts/{kim.id}/roles", data={"role": "admin"})
        assert await ended(inside) == {"kims"}


async def test_a_sign_out_ends_what_was_opened_under_it_and_a_new_password_all_but_here(inside: Copage) -> None:
    alex = await inside.accounts.create("alex", PASSWORD, "Alex", "")
    async with another_browser(inside) as here, another_browser(inside) as there, another_browser(inside) as third:
        for name, browser in (("here", here), ("there", there), ("third", third)):
            await browser.post("/sign-in", data={"login": "alex", "password": PASSWORD})
            rows = await inside.opened.database.read("SELECT hash FROM staff_sessions ORDER BY created_at, rowid")
            await ticket_of(inside, name, alex.id, str(rows[-1]["hash"]))
        await third.post("/sign-out")
        assert await ended(inside) == {"third"}
        await here.post("/account/password", data={"present": PASSWORD, "password": "four other words now"})
        assert await ended(inside) == {"third", "there"}
        await here.post("/account/sign-out-everywhere")
        assert await ended(inside) == {"third", "there", "here"}


async def test_who_is_idle_is_signed_out_and_asking_does_not_hold_it_up(
    inside: Copage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await inside.accounts.create("alex", PASSWORD, "Alex", "")
    wall = SystemClock.wall
    async with another_browser(inside) as alex:
        await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        for minutes, method, status in ((14, "GET", 200), (14, "POST", 200), (28, "GET", 200), (30, "GET", 401)):
            monkeypatch.setattr(SystemClock, "wall", lambda self, later=minutes: wall(self) + later * 60_000)
            assert (await alex.request(method, "/account/awake")).status_code == status, minutes
        assert (await alex.get("/account")).headers["location"] == "/sign-in"
