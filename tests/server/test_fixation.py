"""Cookies that somebody put there, forms from elsewhere, and what was used once already: accepted, none of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
from starlette.routing import Route

from server.app import create_app
from server.identity import here_cookie, secret_cookie
from server.settings import read_settings
from tests.contracts.trouble import no_trouble
from tests.live_client import Closed, LiveClient, Way
from tests.server.cast import Browser, Cast, Persona, gather, made_up
from tests.server.test_matrix import PAGES, Row, form_for
from tests.server.test_staff_pages import App
from tests.visitor import PASSWORD

STAFF = "copage_staff"
OTHER_PASSWORD = "four other words now"
WAYS: Sequence[Way] = ("websocket", "polling")


class Attempts:
    """What was tried, and what of it was accepted. At the end of a test that has to be nothing."""

    def __init__(self) -> None:
        self.made = 0
        self.accepted: list[str] = []

    def add(self, what: str, accepted: bool) -> None:
        self.made += 1
        self.accepted += [what] if accepted else []


@pytest.fixture(scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    async with gather(tmp_path_factory.mktemp("fixation")) as cast:
        yield cast


@pytest.fixture
def attempts() -> Iterator[Attempts]:
    attempts = Attempts()
    yield attempts
    assert attempts.made and attempts.accepted == []


@pytest.fixture(autouse=True)
async def as_it_was(cast: Cast) -> AsyncIterator[None]:
    yield
    await cast.put_back()


@pytest.fixture
async def browser(cast: Cast) -> AsyncIterator[Browser]:
    """Of somebody who is not signed in."""
    async with Browser(cast.house) as browser:
        yield browser


async def opens(cast: Cast, cookies: Mapping[str, str]) -> bool:
    """Whether these cookies open any page of staff."""
    who = Persona("whoever", made_up(), cookies, cast.people["nobody"].http)
    answers = [await who.asks("GET", address) for address in ("/account", "/desk", "/admin", "/sign-in/code")]
    answers.append(await who.asks("POST", "/desk/practice"))
    return any(answer.headers.get("location") != "/sign-in" for answer in answers)


async def signs_in(cast: Cast, browser: Browser, login: str) -> None:
    """With both steps."""
    await browser.sends("/sign-in", login=login, password=PASSWORD)
    whole = await browser.sends("/sign-in/code", code=cast.apps[login].code(1))
    assert whole.status_code == 303, whole.text


# --- a cookie for each stage, and none that was there before ---


async def test_each_stage_of_signing_in_has_a_cookie_of_its_own(
    cast: Cast, browser: Browser, attempts: Attempts
) -> None:
    given = []
    await browser.takes_up(f"/welcome/{cast.places['welcome']}", "pat")
    given.append(browser.cookies[STAFF])
    app = App((await browser.looks_at("/sign-in/set-up")).text)
    made = await browser.sends("/sign-in/set-up", wrapped=app.wrapped, code=app.code())
    given.append(browser.cookies[STAFF])
    await browser.sends("/sign-in", login="pat", password=PASSWORD)
    given.append(browser.cookies[STAFF])
    assert (await browser.sends("/sign-in/code", code=app.code(1))).headers["location"] == "/desk"
    given.append(browser.cookies[STAFF])
    assert made.status_code == 200 and len(set(given)) == 4
    *before, now = given
    for cookie in before:
        attempts.add("the cookie of a stage before", await opens(cast, {STAFF: cookie}))
    assert await opens(cast, {STAFF: now})
    print(f"{attempts.made} cookies of stages before: accepted {len(attempts.accepted)}")


async def test_a_cookie_that_was_planted_is_not_the_one_that_signs_in(
    cast: Cast, browser: Browser, attempts: Attempts
) -> None:
    """Mallory has put it there: made up, from a sign-in of her own, or from one that she has only begun."""
    for planted in (made_up(), *(cast.people[name].cookies[STAFF] for name in ("other", "halfway", "begun"))):
        for steps in (1, 2):
            browser.is_given(STAFF, planted)
            await browser.sends("/sign-in", login="alex", password=PASSWORD)
            if steps == 2:
                await browser.sends("/sign-in/code", code=cast.apps["alex"].code(1))
            assert browser.cookies[STAFF] != planted
            attempts.add(f"planted before step {steps}", await opens(cast, {STAFF: planted}))
            await cast.put_back()
    print(f"{attempts.made} planted cookies: accepted {len(attempts.accepted)}")


async def test_a_link_of_the_operator_is_not_bound_to_a_cookie_that_was_planted(
    cast: Cast, browser: Browser, attempts: Attempts
) -> None:
    link = f"/start/{cast.places['start']}"
    browser.is_given("copage_start", "planted", path=link)
    assert (await browser.sends(f"{link}/practice")).status_code == 303
    mallory = Persona("mallory", made_up(), {"copage_start": "planted"}, cast.people["nobody"].http)
    for method, address in (("GET", link), ("POST", f"{link}/practice"), ("POST", f"{link}/account")):
        attempts.add(address, (await mallory.asks(method, address)).status_code != 404)
    assert (await browser.looks_at(link)).status_code == 200
    print(f"{attempts.made} requests with a planted cookie: accepted {len(attempts.accepted)}")


async def test_over_https_the_cookie_belongs_to_this_host_alone(tmp_path: Path, attempts: Attempts) -> None:
    address = "https://pages.example.org"
    settings = read_settings({"COPAGE_DATA": str(tmp_path), "COPAGE_PUBLIC_URL": address})
    async with create_app(settings, no_trouble) as copage:
        await copage.accounts.create("alex", PASSWORD, "Alex", "")
        transport = httpx2.ASGITransport(copage.asgi)
        async with httpx2.AsyncClient(transport=transport, base_url=address, headers={"Origin": address}) as http:
            answer = await http.post("/sign-in", data={"login": "alex", "password": PASSWORD})
            [cookie] = answer.headers.get_list("set-cookie")
            found = re.match(r"__Host-copage_staff=([\w-]+);", cookie)
            parts = {part.strip().lower() for part in cookie.split(";")}
            assert found and {"secure", "httponly", "path=/", "samesite=strict"} <= parts
            assert not any(part.startswith("domain") for part in parts)
            http.cookies.clear()
            for name in (STAFF, "__Secure-copage_staff", "__host-copage_staff"):
                taken = await http.get("/sign-in/set-up", headers={"Cookie": f"{name}={found[1]}"})
                attempts.add(name, taken.status_code == 200)
            assert (await http.get("/sign-in/set-up", headers={"Cookie": cookie.split(";")[0]})).status_code == 200
    print(f"{attempts.made} cookies that another host could set: accepted {len(attempts.accepted)}")


# --- forms from elsewhere ---


def most_able(row: Row) -> str:
    """Whose form it is that would be accepted, if it came from a page of the house."""
    able = [name for name, cell in row.cells.items() if cell.endswith("+")]
    return able[-1] if able else "member"


def bodies(form: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """A form as a page of somebody else's can send it without being asked: in the three ways that need no leave."""
    yield "application/x-www-form-urlencoded", urlencode(form).encode()
    yield "text/plain", "\r\n".join(f"{name}={value}" for name, value in form.items()).encode()
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    parts = "".join(part.format(name, value) for name, value in form.items())
    yield "multipart/form-data; boundary=x", f"{parts}--x--\r\n".encode()


async def test_no_form_of_another_site_changes_anything(cast: Cast, attempts: Attempts) -> None:
    """Whose cookies it comes with are of somebody who may; signing in is one of these forms."""
    port = cast.house.port
    origins = ("https://elsewhere.example", "null", None, f"http://localhost:{port}", f"http://127.0.0.1:{port + 1}")
    rows = [row for row in PAGES if row.kind == "POST"]
    assert "/sign-in" in {row.what for row in rows}
    for row in rows:
        who = cast.people[most_able(row)]
        for origin in origins:
            for kind, body in bodies(form_for(row, cast)):
                headers = {"Cookie": who.cookie_header, "Content-Type": kind, "Sec-Fetch-Site": "cross-site"}
                headers |= {"Origin": origin} if origin is not None else {}
                answer = await who.http.post(cast.address(row.what, who), content=body, headers=headers)
                what = f"{row.what} from {origin} as {kind}"
                refused = answer.status_code == 403 and "[wrong_origin]" in answer.text
                attempts.add(what, not refused or "set-cookie" in answer.headers)
        attempts.add(f"{row.what}: changed", cast.dump() != cast.start)
    print(f"{len(rows)} forms, {attempts.made} attempts from elsewhere: accepted {len(attempts.accepted)}")


async def test_no_link_of_another_site_changes_anything(cast: Cast, attempts: Attempts) -> None:
    """A link or a picture is a GET, with the form in the address."""
    for row in PAGES:
        if row.kind == "POST":
            who = cast.people[most_able(row)]
            await who.asks("GET", f"{cast.address(row.what, who)}?{urlencode(form_for(row, cast))}")
            attempts.add(row.what, cast.dump() != cast.start)
    print(f"{attempts.made} forms as links: accepted {len(attempts.accepted)}")


# --- tickets in other hands ---


async def try_everything(cast: Cast, ticket: str, cookies: Mapping[str, str], what: str, attempts: Attempts) -> None:
    """Every address of a ticket, and both ways to its live line, with cookies that are not enough."""
    who = Persona(what, ticket, cookies, cast.people["nobody"].http)
    for route in cast.copage.routes:
        if isinstance(route, Route) and route.path.startswith("/s/{ticket}"):
            address = route.path.replace("{ticket}", ticket).replace("{page}", "people")
            for method in (route.methods or set()) - {"HEAD"}:
                answer = await who.asks(method, address, {"page": "people"} if method == "POST" else None)
                refused = answer.headers.get("location") == "/left" or answer.status_code == 403
                attempts.add(f"{what}: {method} {route.path}", not refused or cast.dump() != cast.start)
    for way in WAYS:
        client = LiveClient(cast.house.url, ticket, cookies, way=way)
        with pytest.raises(Closed) as closed:
            await client.open()
        await client.close()
        attempts.add(f"{what}: {way}", closed.value.status != 403)


async def test_a_ticket_is_both_of_its_cookies_on_one_device(cast: Cast, attempts: Attempts) -> None:
    sam, robin, wes = (cast.people[name] for name in ("sam", "robin", "waits"))
    secret, here = sam.cookies[secret_cookie(sam.own)], sam.cookies[here_cookie(sam.own)]

    def as_sams(of_secret: str, of_here: str) -> dict[str, str]:
        return {secret_cookie(sam.own): of_secret, here_cookie(sam.own): of_here}

    others = {
        name: (who.cookies[secret_cookie(who.own)], who.cookies[here_cookie(who.own)])
        for name, who in (("robin", robin), ("wes", wes))
    }
    tries: dict[str, Mapping[str, str]] = {
        "the half that scripts can delete": {here_cookie(sam.own): here},
        "one half twice": as_sams(here, here),
        "the halves changed over": as_sams(here, secret),
        "of another session": robin.cookies,
        "of who waits": wes.cookies,
        **{f"{name}'s, under Sam's names": as_sams(*halves) for name, halves in others.items()},
        **{f"Sam's second half with {name}'s first": as_sams(first, here) for name, (first, _) in others.items()},
    }
    for what, cookies in tries.items():
        await try_everything(cast, sam.own, cookies, what, attempts)
    for who in (robin, wes):
        await try_everything(cast, who.own, sam.cookies, "Sam's, at another address", attempts)
    assert (await sam.asks("GET", f"/s/{sam.own}")).status_code == 200
    print(f"{attempts.made} requests with other cookies: accepted {len(attempts.accepted)}")


async def test_the_half_that_scripts_cannot_delete_is_good_for_leaving_and_nothing_else(
    cast: Cast, attempts: Attempts
) -> None:
    sam = cast.people["sam"]
    half = Persona("half", sam.own, {secret_cookie(sam.own): sam.cookies[secret_cookie(sam.own)]}, sam.http)
    for row in PAGES:
        if "{own}" in row.what and not row.what.endswith("/leave"):
            answer = await half.asks(row.kind, cast.address(row.what, half))
            attempts.add(row.name, answer.status_code != 403 or cast.dump() != cast.start)
    for way in WAYS:
        client = LiveClient(cast.house.url, sam.own, half.cookies, way=way)
        with pytest.raises(Closed) as closed:
            await client.open()
        await client.close()
        attempts.add(way, closed.value.status != 403)
    assert (await half.asks("POST", f"/s/{sam.own}/leave")).status_code == 303
    assert (await sam.asks("GET", f"/s/{sam.own}")).status_code == 410
    print(f"{attempts.made} requests with half a ticket: accepted {len(attempts.accepted)}")


async def test_a_sid_is_of_no_use_to_any_other_ticket(cast: Cast, attempts: Attempts) -> None:
    alex = cast.people["member"]
    async with LiveClient(cast.house.url, alex.own, alex.cookies, way="polling") as line:
        await line.hello()
        for name in ("sam", "robin", "other"):
            who = cast.people[name]
            thief = LiveClient(cast.house.url, who.own, who.cookies, way="polling")
            async with thief.new_http() as http:
                address = thief.address("polling", line.sid)
                attempts.add(f"{name} polls", (await http.get(address)).status_code != 403)
                attempts.add(f"{name} posts", (await http.post(address, content="42[]")).status_code != 403)
            with pytest.raises(Closed) as closed:
                await thief.open_socket(line.sid)
            attempts.add(f"{name} upgrades", closed.value.status != 403)
        turned = await line.answered(await line.command("turn_page", None, page="people"))
        assert turned["event"]["page"] == "people", "the line goes on"
    print(f"{attempts.made} uses of another's sid: accepted {len(attempts.accepted)}")


# --- once is once ---


async def test_a_link_that_was_used_is_used(cast: Cast, browser: Browser, attempts: Attempts) -> None:
    welcome, start = f"/welcome/{cast.places['welcome']}", f"/start/{cast.places['start']}"
    new = {"login": "newcomer", "password": PASSWORD, "shown": "Newcomer", "job": ""}
    await browser.takes_up(welcome, "pat")
    assert (await browser.sends(f"{start}/account", **new)).status_code == 303
    after = cast.dump()
    async with Browser(cast.house) as elsewhere:
        for each in (browser, elsewhere):
            again = [
                await each.looks_at(welcome),
                await each.sends(welcome, login="mallory", password=OTHER_PASSWORD),
                await each.looks_at(start),
                await each.sends(f"{start}/account", **new | {"login": "mallory"}),
                await each.sends(f"{start}/practice"),
            ]
            for answer in again:
                attempts.add(str(answer.url), answer.status_code != 404 or "set-cookie" in answer.headers)
            attempts.add("changed", cast.dump() != after)
    print(f"{attempts.made} uses of links that were used: accepted {len(attempts.accepted)}")


async def test_an_invitation_that_was_used_lets_nobody_else_in(cast: Cast, attempts: Attempts) -> None:
    alex, room = cast.people["member"], "/desk/rooms/{room}/sessions/{session}"
    admitted = await alex.asks("POST", cast.address(f"{room}/arrivals/{{waiting}}/admit", alex))
    assert admitted.status_code == 303
    after = cast.dump()
    by_code = {"code": cast.places["this:code"], "name": "Ada"}
    tries = [(who, "/join/{join}", {"name": "Ada"}) for who in cast.people.values()]
    tries += [(cast.people[name], "/code", by_code) for name in ("nobody", "sam", "waits")]
    for who, address, form in tries:
        for method in ("GET", "POST") if "join" in address else ("POST",):
            answer = await who.asks(method, cast.address(address, who), form if method == "POST" else None)
            attempts.add(f"{who.name}: {address}", answer.status_code < 400 or "set-cookie" in answer.headers)
        attempts.add(f"{who.name}: changed", cast.dump() != after)
    print(f"{attempts.made} uses of an invitation that was used: accepted {len(attempts.accepted)}")


async def test_a_code_of_the_second_step_signs_in_once(cast: Cast, browser: Browser, attempts: Attempts) -> None:
    bea, app = cast.people["begun"], cast.apps["bea"]
    made = await bea.asks("POST", "/sign-in/set-up", {"wrapped": app.wrapped, "code": app.code()})
    paper = re.findall(r"<code>(\w{5}-\w{5})</code>", made.text)
    for code in (app.code(1), *paper[:2]):
        await browser.sends("/sign-in", login="bea", password=PASSWORD)
        assert (await browser.sends("/sign-in/code", code=code)).headers["location"] == "/desk"
        async with Browser(cast.house) as elsewhere:
            for form in (code, code.lower().replace("-", " ")):
                await elsewhere.sends("/sign-in", login="bea", password=PASSWORD)
                again = await elsewhere.sends("/sign-in/code", code=form)
                attempts.add(code, again.status_code != 422 or (await elsewhere.looks_at("/desk")).status_code == 200)
    print(f"{attempts.made} codes given again: accepted {len(attempts.accepted)}")


async def test_a_sign_in_that_was_ended_does_not_come_back(cast: Cast, attempts: Attempts) -> None:
    """Whatever ended it, and also when the account is enabled again."""
    admin, alex = cast.people["admin"], f"/admin/accounts/{cast.accounts['alex']}"

    async def by_admin(*forms: str) -> None:
        for form in forms:
            assert (await admin.asks("POST", f"{alex}/{form}")).status_code in (200, 303)

    async def by_password(browser: Browser) -> None:
        async with Browser(cast.house) as elsewhere:
            await signs_in(cast, elsewhere, "alex")
            changed = await elsewhere.sends("/account/password", present=PASSWORD, password=OTHER_PASSWORD)
            assert changed.headers["location"] == "/account?done=password"

    ends: dict[str, Callable[[Browser], Awaitable[object]]] = {
        "signed out": lambda browser: browser.sends("/sign-out"),
        "signed out everywhere": lambda browser: browser.sends("/account/sign-out-everywhere"),
        "signed in anew": lambda browser: signs_in(cast, browser, "alex"),
        "another password": by_password,
        "disabled": lambda browser: by_admin("disable"),
        "disabled and enabled": lambda browser: by_admin("disable", "enable"),
        "reset": lambda browser: by_admin("reset"),
    }
    cookie = cast.people["member"].cookies[STAFF]
    for what, end in ends.items():
        async with Browser(cast.house) as browser:
            browser.is_given(STAFF, cookie)
            held = await browser.goes_in(f"/desk/rooms/{cast.places['room']}")
            await end(browser)
        attempts.add(f"{what}: the cookie", await opens(cast, {STAFF: cookie}))
        seat = Persona("seat", held.ticket, held.cookies, admin.http)
        attempts.add(f"{what}: the ticket", (await seat.asks("GET", f"/s/{held.ticket}")).status_code != 410)
        await cast.put_back()
    print(f"{attempts.made} cookies of sign-ins that were ended: accepted {len(attempts.accepted)}")
