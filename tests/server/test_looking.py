"""A GET changes nothing: links are opened by mail scanners, previews and browsers that load ahead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import BaseRoute, Route

from server import app
from server.app import create_app
from server.clinic import BUILT_IN
from server.clock import SystemClock
from server.content import load_content
from server.pages import Needs, site
from server.settings import read_settings
from server.store.sqlite import SqliteDatabase
from tests.contracts.trouble import no_trouble

ADDRESS = "http://127.0.0.1:8000"
PASSWORD = "four words in a row"
ON_THE_WAY_IN = {"/sign-in", "/sign-in/code", "/sign-in/set-up"}
"""Pages that send on whoever is signed in."""


async def test_no_address_writes_anything_when_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes: list[BaseRoute] = []

    def seen(needs: Needs) -> list[BaseRoute]:
        routes.extend(site(needs))
        return routes

    monkeypatch.setattr(app, "site", seen)
    clinic = tmp_path / "clinic.toml"
    clinic.write_text(BUILT_IN.read_text().replace("idle_minutes = 15", "idle_minutes = 120"))
    settings = read_settings({"COPAGE_DATA": str(tmp_path), "COPAGE_CLINIC_FILE": str(clinic)})
    async with create_app(settings, no_trouble) as copage:
        start = f"/start/{await copage.start_links.make()}"
        made = await copage.accounts.create("alex", PASSWORD, "Alex", "nurse")
        _, welcome = await copage.keeping.invite("Kim", "", ["worker"])
        transport = httpx2.ASGITransport(copage.asgi)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers={"Origin": ADDRESS}) as alex:
            await alex.post("/sign-in", data={"login": "alex", "password": PASSWORD})
            practice = (await alex.post("/desk/practice")).headers["location"]
            room = (await alex.post("/desk/sessions")).headers["location"]
            shown = (await alex.get(room)).text
            [enter] = re.findall(r"/desk/rooms/[\w-]+/sessions/[\w-]+/enter", shown)
            [join] = set(re.findall(r"/join/[\w-]+", shown))
            here = (await alex.post(enter)).headers["location"]
            waiting = (await alex.post(join, data={"name": "Sam"})).headers["location"]
            [style] = re.findall(r"/assets/main-[\w.-]+", shown)
            addresses = {
                "/start/{token}": start,
                "/welcome/{token}": f"/welcome/{welcome}",
                "/admin/accounts/{account}": f"/admin/accounts/{made.id}",
                "/admin/rooms/{room}": room.replace("/desk/", "/admin/"),
                "/desk/rooms/{room}": room,
                "/practice/{session}": practice,
                "/join/{token}": join,
                "/s/{ticket}": here,
                "/s/{ticket}/page/{page}": f"{here}/page/people",
                "/s/{ticket}/arrivals": f"{here}/arrivals",
                "/s/{ticket}/news": f"{waiting}/news",
                "/s/{ticket}/topic/{page}": f"{waiting}/topic/people",
                "/assets/{name}": style,
                "/pictures/{picture}": f"/pictures/{next(iter(load_content().pictures))}",
            }
            written = _counted(monkeypatch)
            wall = SystemClock.wall
            monkeypatch.setattr(SystemClock, "wall", lambda self: wall(self) + 90 * 60 * 1000)
            said = {}
            for path in _looked_at(routes):
                answer = await alex.get(addresses.get(path, path))
                said[path] = answer.status_code
            assert written == []
            assert {path for path, status in said.items() if status != 200} == ON_THE_WAY_IN, said
            assert set(addresses) < set(said) and {"/desk", "/desk/arrivals", "/desk/prepare", "/code"} < set(said)
            assert (await alex.get(waiting)).status_code == 200 and written == []
            await alex.post("/sign-out")
            assert written, "so the count would show a write"


def _looked_at(routes: Sequence[BaseRoute]) -> list[str]:
    pages = [each.path for each in routes if isinstance(each, Route) and "GET" in (each.methods or ())]
    return [path for path in pages if not path.endswith("{rest:path}")]  # What is nowhere.


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the ways to write that are used from now on."""
    used: list[str] = []
    put = SqliteDatabase._put

    def counting(self: SqliteDatabase, job: Any, **how: bool) -> None:
        used.append(type(job).__name__)
        put(self, job, **how)

    monkeypatch.setattr(SqliteDatabase, "_put", counting)
    return used
