"""What is shown in passing: who is told of a pointer, a reading place, and how somebody is here.

The stories run in virtual time (`tests.world.loop`): waiting takes none.
"""

from __future__ import annotations

import asyncio
from typing import Any

from rooms import Leave, ReadTogether
from rooms.limits import PASSING_PER_SECOND
from rooms.pointers import At, Line, Place, Point, Sees, Way
from rooms.presence import GRACE
from tests.server.test_hub import SOON, Node, Scene, story

SPOT = At("first", 2914775003, 12, 0.5, 0.25)


def point(page: str = "home", number: int = 1, at: At | None = SPOT) -> Point:
    return Point(page, at, True, number)


def place(y: float, page: str = "home", resting: bool = True) -> Place:
    return Place(page, Line("first", y), resting)


def told(node: Node, connection: str, name: str) -> list[Any]:
    return [payload for each, payload in node.ears.heard.get(connection, []) if each == name]


async def both_here(scene: Scene) -> None:
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")


@story
async def test_a_pointer_goes_to_the_others_at_once_and_not_back(scene: Scene) -> None:
    """[PO1]"""
    await both_here(scene)
    await scene.node.attach("s2", "sam")
    scene.hub.show("s", point())
    assert told(scene.node, "a", "pointed") == [
        {"by": "sam", "page": "home", "at": ["first", 2914775003, 12, 0.5, 0.25], "tapped": True, "number": 1}
    ]
    assert told(scene.node, "s", "pointed") == told(scene.node, "s2", "pointed") == []
    scene.hub.show("s", point(number=2, at=None))
    assert told(scene.node, "a", "pointed")[-1]["at"] is None


@story
async def test_who_sees_a_point_is_told_to_its_owner_alone(scene: Scene) -> None:
    """[PO1] On all of their windows, since the server does not know which it was."""
    await both_here(scene)
    await scene.node.attach("s2", "sam")
    scene.hub.show("a", Sees("sam", 7))
    assert told(scene.node, "s", "seen") == told(scene.node, "s2", "seen") == [{"by": "alex", "number": 7}]
    assert told(scene.node, "a", "seen") == []
    scene.hub.show("a", Sees("alex", 7))
    scene.hub.show("a", Sees("nobody", 7))
    assert told(scene.node, "a", "seen") == [] and len(told(scene.node, "s", "seen")) == 1


@story
async def test_on_their_own_nobody_is_told_where_somebody_is(scene: Scene) -> None:
    """[PO2] And nobody shows them anything of the page that they have left."""
    await both_here(scene)
    scene.hub.show("s", Way(along=False))
    await asyncio.sleep(SOON)
    scene.hub.show("s", point())
    scene.hub.show("s", place(0.5))
    scene.hub.show("a", point(number=2))
    assert told(scene.node, "a", "pointed") == told(scene.node, "a", "placed") == []
    assert told(scene.node, "s", "pointed") == []
    scene.hub.show("s", Way(along=True))
    await asyncio.sleep(SOON)
    scene.hub.show("s", point(number=3))
    assert [each["number"] for each in told(scene.node, "a", "pointed")] == [3]


@story
async def test_what_is_on_another_page_than_the_open_one_goes_to_nobody(scene: Scene) -> None:
    """[PO2]"""
    await both_here(scene)
    scene.hub.show("s", point("sleep"))
    scene.hub.show("s", place(0.5, "sleep"))
    await scene.node.turn("a", 1, "sleep")
    scene.hub.show("s", point("home"))
    assert told(scene.node, "a", "pointed") == told(scene.node, "a", "placed") == []


@story
async def test_who_has_left_shows_nothing_and_is_shown_nothing(scene: Scene) -> None:
    """[PO2] [VW1]"""
    await both_here(scene)
    await scene.node.attach("s2", "sam")
    scene.node.submit("s", 1, Leave())
    await asyncio.sleep(SOON)
    for connection in ("s", "s2", "stranger"):
        scene.hub.show(connection, point())
    scene.hub.show("a", point())
    assert told(scene.node, "a", "pointed") == told(scene.node, "s2", "pointed") == []


@story
async def test_a_flood_of_pointers_is_thinned_out_and_ends_nothing(scene: Scene) -> None:
    """[LM2]"""
    await both_here(scene)
    for number in range(1, 400):
        scene.hub.show("s", point(number=number))
    assert len(told(scene.node, "a", "pointed")) <= PASSING_PER_SECOND + 1
    assert not scene.ears.closed
    await asyncio.sleep(1)
    scene.hub.show("s", point(number=401))
    assert told(scene.node, "a", "pointed")[-1]["number"] == 401


@story
async def test_places_have_one_order_on_every_process(scene: Scene) -> None:
    """[PO3]"""
    await both_here(scene)
    south = Node(scene, "south")
    await south.attach("k", "alex")
    scene.hub.show("s", place(0.1))
    await asyncio.sleep(SOON)
    south.hub.show("k", place(0.2))
    await asyncio.sleep(SOON)
    scene.hub.show("a", place(0.3, resting=False))
    await asyncio.sleep(SOON)
    seen = [
        told(node, connection, "placed") for node, connection in ((scene.node, "s"), (scene.node, "a"), (south, "k"))
    ]
    assert seen[0] == seen[1] == seen[2]
    assert [each["at"][1] for each in seen[0]] == [0.1, 0.2, 0.3]
    orders = [each["order"] for each in seen[0]]
    assert orders == sorted(set(orders))
    assert [(each["by"], each["window"]) for each in seen[0]] == [
        ("sam", "window-of-s"),
        ("alex", "window-of-k"),
        ("alex", "window-of-a"),
    ]


@story
async def test_who_reads_together_and_comes_back_is_told_the_place(scene: Scene) -> None:
    """[RT1] Until the page is turned: a place is of one page."""
    await both_here(scene)
    for number, connection in enumerate(("a", "s"), 1):
        scene.node.submit(connection, number, ReadTogether())
    await asyncio.sleep(SOON)
    scene.hub.show("a", place(0.7))
    await scene.node.attach("s2", "sam")
    assert [each["at"] for each in told(scene.node, "s2", "placed")] == [["first", 0.7]]
    await scene.node.turn("a", 2, "sleep")
    await scene.node.attach("s3", "sam")
    assert told(scene.node, "s3", "placed") == []


@story
async def test_pr4_how_somebody_is_here_is_told_to_all_on_every_process(scene: Scene) -> None:
    """[PR4] And it lasts over a break of their connection."""
    await both_here(scene)
    south = Node(scene, "south")
    await south.attach("k", "alex")
    scene.hub.show("s", Way(along=False, away=True))
    await asyncio.sleep(SOON)
    sam = {"id": "sam", "along": False, "away": True}
    for node, connection in ((scene.node, "a"), (south, "k")):
        assert sam in told(node, connection, "presence")[-1]["here"]
    scene.hub.detach("s")
    await asyncio.sleep(GRACE / 2)
    assert sam in told(scene.node, "a", "presence")[-1]["here"]
    await asyncio.sleep(GRACE)
    assert [each["id"] for each in told(scene.node, "a", "presence")[-1]["here"]] == ["alex"]
