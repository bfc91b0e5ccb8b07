"""The pages when something comes in between: another person is quicker, or the store does not answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import structlog.testing

from rooms import Actor, Leave, Refusal
from server.app import Copage, create_app
from server.hub import Hub
from server.identity import Tickets
from server.pages import Assets, AssetsProblem
from server.pages.opening import Opening
from server.ports import StoreUnavailable
from server.settings import read_settings
from server.store.sqlite import SqliteDatabase
from tests.contracts.trouble import no_trouble

PASSWORD = "four words in a row"
ADDRESS = "http://127.0.0.1:8000"


@dataclass
class Inside:
    """The product in this process, and browsers that speak to it without a network."""

    copage: Copage

    def browser(self, peer: str = "127.0.0.1") -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.copage.asgi, client=(peer, 40_000)),
            base_url=ADDRESS,
            headers={"Origin": ADDRESS},
        )


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    settings = read_settings({"COPAGE_DATA": str(tmp_path)})
    async with create_app(settings, no_trouble) as copage:
        yield Inside(copage)


@pytest.fixture
async def link(inside: Inside) -> str:
    """A session of Alex's, by the link for the other person."""
    async with inside.browser() as alex:
        await inside.copage.accounts.create("alex", PASSWORD, "Alex", "")
        await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        await alex.post("/desk/sessions")
        found = re.search(rf"{ADDRESS}(/join/[\w-]+)", (await alex.get("/desk")).text)
        assert found
        return found[1]


async def test_who_guesses_waits_and_alex_at_another_address_does_not(inside: Inside, link: str) -> None:
    async with inside.browser("203.0.113.9") as stranger, inside.browser("192.0.2.7") as alex:
        said = [
            (await stranger.post("/sign-in", data={"login": "alex", "password": "?"})).status_code for _ in range(6)
        ]
        assert said == [422] * 5 + [429]
        answer = await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        assert answer.headers["location"] == "/desk"


async def unavailable(*anything: object) -> object:
    raise StoreUnavailable("busy")


async def test_who_lost_their_name_at_the_last_moment_is_asked_again_on_the_same_device(
    inside: Inside, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_yet(*anything: object) -> None:
        """At the first look the name was still free."""

    monkeypatch.setattr(Opening, "would_refuse", nothing_yet)
    async with inside.browser() as sam, inside.browser() as stranger:
        door = await sam.post(link, data={"name": "Alex"})
        assert door.status_code == 422 and 'value="Alex"' in door.text
        found = re.search(r'action="(/s/[\w-]+)/name"', door.text)
        assert found
        again = await sam.get(found[1])
        assert again.status_code == 200 and f'action="{found[1]}/name"' in again.text, "loading again asks again"
        assert (await sam.post(f"{found[1]}/name", data={"name": "ALEX"})).status_code == 422
        assert (await stranger.post(f"{found[1]}/name", data={"name": "Sam"})).status_code == 403
        assert (await sam.post(f"{found[1]}/name", data={"name": "Sam"})).headers["location"] == found[1]
        assert "Sam (you)" in (await sam.get(found[1])).text
        assert (await stranger.get(link)).status_code == 410


async def test_a_store_that_does_not_answer_is_said_in_words_and_uses_nothing_up(
    inside: Inside, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inside.browser() as sam:
        with monkeypatch.context() as trouble:
            trouble.setattr(Hub, "look", unavailable)
            answer = await sam.post(link, data={"name": "Sam"})
            assert answer.status_code == 503 and "try again" in answer.text
            assert answer.headers["retry-after"] == "2" and "set-cookie" not in answer.headers
        assert (await sam.post(link, data={"name": "Sam"})).status_code == 303


async def test_who_comes_in_while_the_store_stops_answering_keeps_the_link(
    inside: Inside, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is bound before the store is asked to let Sam in: what he holds then has to go on being good."""
    async with inside.browser() as sam:
        with monkeypatch.context() as trouble:
            trouble.setattr(Opening, "join", unavailable)
            answer = await sam.post(link, data={"name": "Sam"})
        found = re.search(r'action="(/s/[\w-]+)/name"', answer.text)
        assert answer.status_code == 503 and found
        assert (await sam.post(f"{found[1]}/name", data={"name": "Sam"})).headers["location"] == found[1]


@pytest.mark.parametrize("part", [(Hub, "ask"), (Tickets, "held"), (Tickets, "end_participant")])
async def test_leaving_takes_the_session_off_this_device_at_once_and_tells_the_others_later(
    inside: Inside, link: str, monkeypatch: pytest.MonkeyPatch, part: tuple[type, str]
) -> None:
    async with inside.browser() as sam:
        here = (await sam.post(link, data={"name": "Sam"})).headers["location"]
        ticket = here.removeprefix("/s/")
        with monkeypatch.context() as trouble:
            trouble.setattr(*part, unavailable)
            for _ in range(2):
                answer = await sam.post(f"{here}/leave")
                assert answer.status_code == 503 and "You have left on this device" in answer.text
                assert f'action="{here}/leave"' in answer.text, "the way to tell the others"
                assert set(sam.cookies) == {f"copage_{ticket}"}
        assert (await sam.get(here)).status_code == 403
        told = await sam.post(f"{here}/leave")
        assert told.headers["location"] == "/left" and not sam.cookies
    [held] = await inside.copage.opened.database.read("SELECT room, participant, ended_at FROM tickets")
    room = await inside.copage.hub.look(str(held["room"]))
    assert room is not None and room.participants[str(held["participant"])].left and held["ended_at"] is not None


async def test_who_left_on_another_device_keeps_nothing_on_this_one(inside: Inside, link: str) -> None:
    async with inside.browser() as sam:
        here = (await sam.post(link, data={"name": "Sam"})).headers["location"]
        [held] = await inside.copage.opened.database.read("SELECT room, participant FROM tickets")
        room, participant = str(held["room"]), str(held["participant"])
        await inside.copage.hub.ask(room, Actor(participant), Leave())
        answer = await sam.get(here)
        assert answer.status_code == 410 and "You have left" in answer.text
        assert not sam.cookies


async def test_a_script_that_leaves_is_not_told_that_it_worked_before_it_did(
    inside: Inside, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has deleted one cookie, and asks until it is answered: with the other one, which must not be taken before."""
    async with inside.browser() as sam:
        here = (await sam.post(link, data={"name": "Sam"})).headers["location"]
        ticket = here.removeprefix("/s/")
        sam.cookies.delete(f"copage_here_{ticket}", path=here)
        with monkeypatch.context() as trouble:
            trouble.setattr(Hub, "ask", unavailable)
            answer = await sam.post(f"{here}/leave")
            assert answer.status_code == 503 and "set-cookie" not in answer.headers
        assert (await sam.post(f"{here}/leave")).headers["location"] == "/left"
    held = await inside.copage.opened.database.read("SELECT ended_at FROM tickets WHERE id = $1", ticket)
    assert held[0]["ended_at"] is not None


async def test_the_start_link_stays_good_for_the_browser_that_met_trouble(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the operator's only link would belong to a browser that was never told so."""
    link = f"/start/{await inside.copage.start_links.make()}"
    account = {"login": "alex", "password": PASSWORD, "shown": "Alex", "job": ""}
    async with inside.browser() as alex, inside.browser() as stranger:
        assert (await alex.post(f"{link}/account", files={"login": b"a file"})).status_code == 400
        with monkeypatch.context() as trouble:
            trouble.setattr(Hub, "ask", unavailable)
            assert (await alex.post(f"{link}/practice")).status_code == 503
        assert (await stranger.post(f"{link}/account", data=account)).status_code == 404
        assert (await alex.post(f"{link}/account", data=account)).headers["location"] == "/desk"


@pytest.mark.parametrize("ticket", ["no%3b%20Domain=x%0d%0aX:y", "%C3%A9%E2%82%AC", "x" * 65])
async def test_an_address_that_no_ticket_can_have_is_refused_in_words(inside: Inside, ticket: str) -> None:
    async with inside.browser() as stranger:
        for answer in (await stranger.get(f"/s/{ticket}"), await stranger.post(f"/s/{ticket}/leave")):
            assert answer.status_code == 404 and "set-cookie" not in answer.headers


async def test_who_gives_a_name_when_the_session_is_over_is_not_asked_for_another_one(
    inside: Inside, link: str
) -> None:
    async with inside.browser() as sam, inside.browser() as alex:
        here = (await sam.post(link, data={"name": "Sam"})).headers["location"]
        await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        [room] = re.findall(r"/desk/sessions/([\w-]+)/end", (await alex.get("/desk")).text)
        await alex.post(f"/desk/sessions/{room}/end")
        assert (await sam.post(f"{here}/name", data={"name": "Samuel"})).headers["location"] == here
        assert (await sam.get(here)).status_code == 410


async def test_a_refusal_that_no_page_expects_is_still_a_sentence(
    inside: Inside, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*anything: object) -> Refusal:
        return Refusal("not_allowed")

    async with inside.browser() as alex:
        await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        room = re.findall(r"/desk/sessions/([\w-]+)/end", (await alex.get("/desk")).text)[0]
        monkeypatch.setattr(Hub, "ask", refuse)
        answer = await alex.post(f"/desk/sessions/{room}/end")
        assert answer.status_code == 409 and "Please ask them" in answer.text


async def test_a_fault_in_a_page_is_a_sentence_and_one_line_of_the_log(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*anything: object) -> None:
        raise RuntimeError("what somebody wrote")

    async with inside.browser() as stranger:
        monkeypatch.setattr(SqliteDatabase, "read", break_down)
        with structlog.testing.capture_logs() as lines:
            answer = await stranger.get("/s/no-such-ticket")
    assert answer.status_code == 500 and "not your doing" in answer.text
    [line] = lines
    assert (line["event"], line["error"]) == ("fault", "RuntimeError")
    assert "what somebody wrote" not in str(line)


async def test_a_server_whose_database_does_not_answer_is_alive_and_not_ready(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inside.browser() as machine:
        monkeypatch.setattr(SqliteDatabase, "read", unavailable)
        assert (await machine.get("/health/live")).status_code == 200
        assert (await machine.get("/health/ready")).status_code == 503


async def test_a_form_of_another_shape_is_refused_without_a_fuss(inside: Inside, link: str) -> None:
    async with inside.browser() as sam:
        for request in (
            {"files": {"name": ("sam.txt", b"Sam")}},
            {"content": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
            {"content": b"&".join(b"a%d=1" % number for number in range(40))},
        ):
            answer = await sam.post(link, **request)
            assert answer.status_code in (400, 422), answer.status_code
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("manifest", [None, "no json", "{}", '{"main.css": "main-1.css"}', '["main.css"]'])
def test_a_client_that_was_not_built_stops_the_start_with_one_line(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(AssetsProblem, match="make client") as problem:
        Assets(tmp_path)
    assert "\n" not in str(problem.value)
