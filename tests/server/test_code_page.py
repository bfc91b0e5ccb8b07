"""The page for a code: what is shown, and that a right one leads to the door with nothing of the link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.clinic import load_clinic
from server.guard import Guard
from server.identity.codes import clean
from server.identity.gate import OF_ONE_PLACE, Gate
from server.pages import Assets, Pages
from server.pages.code import routes
from server.pages.door import Door
from server.settings import read_settings
from server.words import Words
from tests.hands import Hands

ADDRESS = "http://127.0.0.1:8000"
SAMS = "SAMSC0DE"


class Quick(Hands):
    """A clock on which waiting is over at once."""

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class House:
    """One live code, and a door that says who stands before it."""

    async def find(self, code: str) -> str | None:
        return "invitation of Sam" if code == SAMS else None

    async def by_code(self, request: Request, invitation: str, code: str, form: FormData) -> Response:
        return PlainTextResponse(f"{invitation}, {code}, {form.get('name')}")


@pytest.fixture
async def sam() -> AsyncIterator[httpx2.AsyncClient]:
    """Sam's browser, at a site of this one page."""
    words = Words("en")
    pages = Pages(read_settings({}), words, load_clinic(None), Assets())
    house = House()
    site = Starlette(routes=routes(pages, Gate(house, Quick()), cast(Door, house)))
    asgi = Guard(site, public_url=ADDRESS, proxies=frozenset(), sentence=words.at_the_wall, https_for_good=False)
    transport = httpx2.ASGITransport(asgi)
    async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers={"Origin": ADDRESS}) as browser:
        yield browser


async def test_the_page_asks_for_a_code_and_its_example_can_be_one(sam: httpx2.AsyncClient) -> None:
    page = await sam.get("/code")
    assert page.status_code == 200
    assert "15 minutes" in page.text and "K7RM-2XQ4" in page.text and clean("K7RM-2XQ4")
    assert 'autocapitalize="characters"' in page.text and 'role="alert"' not in page.text


async def test_a_right_code_leads_to_the_door_and_a_name_goes_with_it(sam: httpx2.AsyncClient) -> None:
    assert (await sam.post("/code", data={"code": "sams code"})).text == f"invitation of Sam, {SAMS}, None"
    assert (await sam.post("/code", data={"code": SAMS, "name": "Sam"})).text == f"invitation of Sam, {SAMS}, Sam"


async def test_whatever_is_not_live_is_answered_with_the_same_page(sam: httpx2.AsyncClient) -> None:
    answers = [await sam.post("/code", data={"code": code}) for code in ("ABCD-EFGH", "too short", "")]
    assert [answer.status_code for answer in answers] == [422] * 3
    assert all("does not open a page now" in answer.text for answer in answers)
    assert 'value="ABCD-EFGH"' in answers[0].text, "to be compared"


async def test_who_has_to_wait_is_told_so_and_not_that_the_code_is_wrong(sam: httpx2.AsyncClient) -> None:
    for number in range(OF_ONE_PLACE):
        await sam.post("/code", data={"code": f"ABCD00{number:02}"})
    answer = await sam.post("/code", data={"code": "ABCD0099"})
    assert answer.status_code == 429 and "wait a moment" in answer.text
    assert "does not open" not in answer.text
