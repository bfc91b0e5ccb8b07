"""The hub on memory adapters, in virtual time: Alex and Sam look at a page together, and things go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from structlog.testing import capture_logs

from rooms import (
    SERVER,
    Actor,
    Already,
    EndSession,
    Join,
    Leave,
    OpenSession,
    Position,
    Recorded,
    Refusal,
    RemoveDevice,
    RemoveParticipant,
    Role,
    TurnPage,
    evolve,
    wire,
)
from rooms.commands import FromWindow
from rooms.events import PageTurned, SessionEnded
from rooms.presence import GRACE
from server.bus.memory import MemoryBus, MemoryExchange
from server.hub import HEAD_POLL, PENDING_PER_CONNECTION, Hub, Seat
from server.open_room import AGAIN_HOLDS, CLOSE_AFTER, KEPT_FOR, STORE_PATIENCE
from server.ports import NewSession, StoreUnavailable
from server.store.memory import MemoryStore, Shelf
from server.sweep import tidy
from tests.contracts.diary import room_of
from tests.world.loop import VirtualClock, VirtualLoop

PAGES = ("home", "sleep", "worry", "plans")
SOON = 0.01


class Ears:
    """An audience that remembers what each connection was told."""

    def __init__(self) -> None:
        self.heard: dict[str, list[tuple[str, Any]]] = {}
        self.closed: dict[str, str] = {}

    def tell(self, connections: Iterable[str], packet: str) -> None:
        for connection in connections:
            if connection not in self.closed:
                self.heard.setdefault(connection, []).append(wire.payload_of(packet))

    def show(self, connections: Iterable[str], key: str, packet: str) -> None:
        self.tell(connections, packet)

    def close(self, connection: str, code: str) -> None:
        self.closed[connection] = code

    def here(self, connection: str) -> list[str]:
        """Who was here when this connection was last told."""
        told = [payload["here"] for name, payload in self.heard[connection] if name in ("welcome", "presence")]
        return [each["id"] for each in told[-1]]

    def events(self, connection: str) -> list[tuple[int, str]]:
        """Number and kind of every event that came, in the order in which they came."""
        said = [payload for name, payload in self.heard.get(connection, []) if name in ("welcome", "events")]
        return [(frame["seq"], frame["event"]["kind"]) for payload in said for frame in payload["events"]]

    def last(self, connection: str, kind: str) -> Any:
        return [payload for name, payload in self.heard[connection] if name == kind][-1]

    def answers(self, connection: str) -> list[tuple[int, str, str]]:
        said = [payload for name, payload in self.heard[connection] if name == "answer"]
        return [(each["number"], each["outcome"], each.get("code", "")) for each in said]


class Node:
    """One process: a hub, its ears, and a store that can be made difficult (`pace`)."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.scene = scene
        self.store = MemoryStore(scene.new_id, scene.shelf)
        self.ears = Ears()
        self.bus = MemoryBus(scene.exchange, name)
        self.hub = Hub(self.store, self.bus, self.ears, scene.clock, scene.new_id, name)
        self.hub.start()

    async def attach(
        self, connection: str, who: str, position: Position | None = None, ticket: str | None = None
    ) -> None:
        seat = Seat("room", who, ticket or f"ticket-{who}")
        self.hub.attach(connection, seat, f"window-of-{connection}", position)
        await asyncio.sleep(SOON)

    def submit(self, connection: str, number: int, command: FromWindow) -> None:
        self.hub.submit(connection, wire.Submission(number, command))

    async def turn(self, connection: str, number: int, page: str) -> None:
        self.submit(connection, number, TurnPage(page))
        await asyncio.sleep(SOON)

    async def position(self) -> Position:
        room = await self.hub.look("room")
        assert room is not None
        return room.position


class Scene:
    """A session in which Alex, a worker, and Sam are, on as many processes as the story wants."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.clock = VirtualClock(loop)
        self.shelf = Shelf()
        self.exchange = MemoryExchange()
        self.errors_expected: list[str] = []
        self._ids = 0
        self.node = Node(self, "north")
        self.hub, self.ears, self.store = self.node.hub, self.node.ears, self.node.store

    def new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    async def open_session(self, session: str = "session", alex: str = "alex", sam: str = "sam") -> None:
        await self.store.prepare(NewSession("room", session, practice=False, account=None, made_at=0))
        opened = await self.hub.ask("room", SERVER, OpenSession(session, False, "starter", PAGES, "home"))
        assert isinstance(opened, tuple)
        await self.hub.ask("room", SERVER, Join(alex, Role.WORKER, "Alex"))
        await self.hub.ask("room", SERVER, Join(sam, Role.SERVICE_USER, "Sam"))

    async def ends_and_meets_again(self) -> None:
        await self.hub.ask("room", Actor("alex"), EndSession())
        await self.open_session("next-week", "alex-again", "sam-again")


def story(tell: Callable[[Scene], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test in virtual time that begins with an open session. An error in a task or in the log fails it."""

    def test() -> None:
        with VirtualLoop() as loop, capture_logs() as logs:

            async def from_the_beginning() -> list[str]:
                scene = Scene(loop)
                await scene.store.create("room", at=0)
                await scene.open_session()
                await tell(scene)
                return scene.errors_expected

            expected = loop.run(from_the_beginning())
        assert loop.faults == []
        assert [line["event"] for line in logs if line["log_level"] == "error"] == expected

    test.__doc__ = tell.__doc__
    return test


def busy(point: str) -> Callable[[str], Awaitable[None]]:
    """A store that does not answer: at `"before_commit"` nothing is written, at `"after_commit"` everything is."""

    async def pace(reached: str) -> None:
        if reached == point:
            raise StoreUnavailable("busy")

    return pace


async def at_once(point: str) -> None:
    """A store without troubles."""


# --- coming, and what follows ---


@story
async def test_welcome_is_first_and_whole_and_then_events_come_in_order(scene: Scene) -> None:
    """[PG2] [VW4]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    await scene.node.turn("a", 1, "sleep")
    await scene.node.turn("s", 1, "worry")
    name, welcome = scene.ears.heard["s"][0]
    assert name == "welcome"
    assert welcome["whole"]["page"] == "home" and welcome["whole"]["you"] == "sam"
    assert scene.ears.events("a") == scene.ears.events("s") == [(4, "page_turned"), (5, "page_turned")]


@story
async def test_a_command_is_answered_by_its_own_event(scene: Scene) -> None:
    """[WN1]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    [frame] = scene.ears.last("a", "events")["events"]
    assert (frame["window"], frame["number"]) == ("window-of-a", 1)
    assert scene.ears.answers("a") == []


@story
async def test_coming_back_brings_exactly_what_was_missed(scene: Scene) -> None:
    """[OR1]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    here = await scene.node.position()
    await scene.node.attach("s1", "sam", here)
    await scene.node.turn("a", 2, "worry")
    await scene.node.turn("a", 3, "plans")
    await scene.node.attach("s2", "sam", here)
    assert scene.ears.heard["s1"][0][1]["events"] == [] and scene.ears.heard["s1"][0][1]["whole"] is None
    welcome = scene.ears.heard["s2"][0][1]
    assert welcome["whole"] is None
    assert [frame["seq"] for frame in welcome["events"]] == [5, 6]


@story
async def test_a_window_that_has_another_past_gets_the_whole(scene: Scene) -> None:
    """[OR1] [OR3]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    epoch, seq, tail = (now := await scene.node.position()).epoch, now.seq, now.tail
    doubtful = [Position("other", seq, tail), Position(epoch, seq, "other"), Position(epoch, seq + 5, tail)]
    for nth, position in enumerate(doubtful):
        await scene.node.attach(f"s{nth}", "sam", position)
        assert scene.ears.heard[f"s{nth}"][0][1]["whole"]["position"] == [epoch, seq, tail]


@story
async def test_what_was_trimmed_cannot_be_told_exactly_so_the_whole_is(scene: Scene) -> None:
    """[OR7]"""
    await scene.node.attach("a", "alex")
    early = await scene.node.position()
    await scene.node.turn("a", 1, "sleep")
    await scene.node.turn("a", 2, "worry")
    room = await scene.hub.look("room")
    assert room is not None
    await scene.store.snapshot(room, room.seq, words=b"")
    await scene.node.attach("s", "sam", early)
    assert scene.ears.heard["s"][0][1]["whole"]["page"] == "worry"


@story
async def test_a_window_that_saw_a_gap_is_sent_what_lies_between(scene: Scene) -> None:
    """[OR3]"""
    await scene.node.attach("a", "alex")
    early = await scene.node.position()
    await scene.node.turn("a", 1, "sleep")
    await scene.node.turn("a", 2, "worry")
    scene.hub.catch_up("a", early)
    await asyncio.sleep(SOON)
    assert [frame["seq"] for frame in scene.ears.last("a", "events")["events"]] == [4, 5]
    scene.hub.catch_up("a", Position("other", 1, "other"))
    await asyncio.sleep(SOON)
    assert scene.ears.last("a", "whole")["view"]["page"] == "worry"


@story
async def test_welcome_says_how_far_the_window_has_come(scene: Scene) -> None:
    """[WN3]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    await scene.node.turn("a", 2, "worry")
    scene.hub.detach("a")
    await scene.node.attach("a", "alex")
    assert scene.ears.last("a", "welcome")["last"] == 2


# --- commands that come to something else ---


@story
async def test_what_was_carried_out_is_not_carried_out_again(scene: Scene) -> None:
    """[WN3]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    await scene.node.turn("a", 2, "worry")
    before = await scene.node.position()
    await scene.node.turn("a", 1, "sleep")
    assert scene.ears.answers("a") == [(1, "already", "")]
    assert await scene.node.position() == before


@story
async def test_a_refusal_says_why_and_writes_nothing(scene: Scene) -> None:
    """[OR5] [PG1] [PM1]"""
    await scene.node.attach("s", "sam")
    before = await scene.node.position()
    await scene.node.turn("s", 1, "nowhere")
    scene.node.submit("s", 2, EndSession())
    await asyncio.sleep(SOON)
    assert scene.ears.answers("s") == [(1, "refused", "unknown_page"), (2, "refused", "not_allowed")]
    assert await scene.node.position() == before


@story
async def test_asking_gives_events_or_already_or_a_refusal(scene: Scene) -> None:
    """[PT3]"""
    ask = scene.hub.ask
    assert isinstance(await ask("room", SERVER, Join("kim", Role.SERVICE_USER, "Kim")), tuple)
    assert await ask("room", SERVER, Join("kim", Role.SERVICE_USER, "Kim")) == Already()
    assert await ask("room", SERVER, Join("other", Role.SERVICE_USER, "Kim")) == Refusal("name_taken")
    assert await ask("nowhere", SERVER, Join("kim", Role.SERVICE_USER, "Kim")) == Refusal("no_session")
    assert await scene.hub.look("nowhere") is None


@story
async def test_a_busy_store_is_answered_again_and_later_numbers_wait(scene: Scene) -> None:
    """[WN6]"""
    await scene.node.attach("a", "alex")
    scene.store.pace = busy("before_commit")
    await scene.node.turn("a", 1, "sleep")
    scene.store.pace = at_once
    await scene.node.turn("a", 2, "worry")
    assert scene.ears.answers("a") == [(1, "again", "busy"), (2, "again", "busy")]
    await scene.node.turn("a", 1, "sleep")
    await scene.node.turn("a", 2, "worry")
    assert [frame for _, frame in scene.ears.events("a")] == ["page_turned", "page_turned"]


@story
async def test_a_number_that_never_comes_again_does_not_hold_the_others_for_ever(scene: Scene) -> None:
    """[WN6]"""
    await scene.node.attach("a", "alex")
    scene.store.pace = busy("before_commit")
    await scene.node.turn("a", 1, "sleep")
    scene.store.pace = at_once
    await asyncio.sleep(AGAIN_HOLDS)
    await scene.node.turn("a", 2, "worry")
    assert scene.ears.events("a") == [(4, "page_turned")]


@story
async def test_asking_a_busy_store_raises(scene: Scene) -> None:
    scene.store.pace = busy("before_commit")
    try:
        await scene.hub.ask("room", SERVER, Join("kim", Role.SERVICE_USER, "Kim"))
    except StoreUnavailable:
        return
    raise AssertionError("nothing was written, and nobody was told so")


@story
async def test_an_append_of_which_nothing_is_known_is_looked_up_not_repeated(scene: Scene) -> None:
    """[WN3]: it was written, but the answer of the store got lost."""
    await scene.node.attach("a", "alex")
    scene.store.pace = busy("after_commit")
    await scene.node.turn("a", 1, "sleep")
    scene.store.pace = at_once
    await asyncio.sleep(2 * HEAD_POLL)
    assert scene.ears.events("a") == [(4, "page_turned")]
    assert [recorded.event for recorded in scene.shelf.log("room")][3:] == [PageTurned("sleep", "alex")]


@story
async def test_a_store_that_hangs_costs_a_command_its_patience_not_more(scene: Scene) -> None:
    await scene.node.attach("a", "alex")

    async def hang(point: str) -> None:
        if point == "before_commit":
            await asyncio.Event().wait()

    scene.store.pace = hang
    scene.node.submit("a", 1, TurnPage("sleep"))
    await asyncio.sleep(STORE_PATIENCE / 2)
    scene.store.pace = at_once
    await asyncio.sleep(STORE_PATIENCE)
    assert scene.ears.events("a") == [(4, "page_turned")]


@story
async def test_a_store_that_reads_and_does_not_write_holds_the_room_up_twice_at_most(scene: Scene) -> None:
    await scene.node.attach("a", "alex")

    async def hang_on_writing(point: str) -> None:
        if point == "before_commit":
            await asyncio.Event().wait()

    scene.store.pace = hang_on_writing
    scene.node.submit("a", 1, TurnPage("sleep"))
    await asyncio.sleep(2 * STORE_PATIENCE + SOON)
    assert scene.ears.answers("a") == [(1, "again", "busy")]


@story
async def test_commit_then_tell(scene: Scene) -> None:
    """[OR4]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    committing, go_on = asyncio.Event(), asyncio.Event()

    async def wait_before_commit(point: str) -> None:
        if point == "before_commit":
            committing.set()
            await go_on.wait()

    scene.store.pace = wait_before_commit
    scene.node.submit("a", 1, TurnPage("sleep"))
    await committing.wait()
    await asyncio.sleep(SOON)
    assert scene.ears.events("a") == scene.ears.events("s") == []
    go_on.set()
    await asyncio.sleep(SOON)
    assert scene.ears.events("a") == scene.ears.events("s") == [(4, "page_turned")]


@story
async def test_who_asks_too_fast_is_told_to_ask_again(scene: Scene) -> None:
    """[LM2]"""
    await scene.node.attach("a", "alex")
    for number in range(1, 101):
        scene.node.submit("a", number, TurnPage(PAGES[number % 2]))
    await asyncio.sleep(SOON)
    carried_out = len(scene.ears.events("a"))
    assert 60 < carried_out < 70
    assert scene.ears.answers("a")[0] == (carried_out + 1, "again", "too_fast")
    await asyncio.sleep(1)
    await scene.node.turn("a", carried_out + 1, PAGES[(carried_out + 1) % 2])
    assert len(scene.ears.events("a")) == carried_out + 1


@story
async def test_a_form_turns_pages_no_faster_than_a_window_and_leaving_is_never_too_fast(scene: Scene) -> None:
    """[LM2]"""
    turned = 0
    for nth in range(100):
        try:
            await scene.hub.ask("room", Actor("sam"), TurnPage(PAGES[1 + nth % 2]))
            turned += 1
        except StoreUnavailable:
            pass
    assert 60 < turned < 70
    assert isinstance(await scene.hub.ask("room", Actor("sam"), Leave()), tuple)


@story
async def test_a_window_that_always_asks_for_what_it_missed_is_not_always_answered(scene: Scene) -> None:
    """[LM2] Each answer is read from the store."""
    begin = await scene.node.position()
    await scene.node.attach("s", "sam")
    await scene.node.turn("s", 1, "sleep")
    for _ in range(100):
        scene.hub.catch_up("s", begin)
    await asyncio.sleep(SOON)
    assert 60 < len(scene.ears.events("s")) < 70
    answered = len(scene.ears.events("s"))
    await asyncio.sleep(1)
    scene.hub.catch_up("s", begin)
    await asyncio.sleep(SOON)
    assert len(scene.ears.events("s")) == answered + 1


@story
async def test_a_flood_that_does_not_wait_for_answers_is_cut_off(scene: Scene) -> None:
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    for number in range(1, PENDING_PER_CONNECTION + 2):
        scene.node.submit("a", number, TurnPage("sleep"))
    assert scene.ears.closed == {"a": "too_fast"}
    scene.hub.detach("a")
    await scene.node.turn("s", 1, "plans")
    assert scene.ears.events("s")[-1][1] == "page_turned"


@story
async def test_a_fault_of_ours_does_not_end_the_room(scene: Scene) -> None:
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")

    async def fault(point: str) -> None:
        raise ZeroDivisionError

    scene.errors_expected = ["room_fault"]
    scene.store.pace = fault
    await scene.node.turn("a", 1, "sleep")
    scene.store.pace = at_once
    await scene.node.turn("s", 1, "worry")
    assert scene.ears.last("s", "whole")["view"]["page"] == "home"
    assert scene.ears.events("s") == [(4, "page_turned")]


# --- going ---


@story
async def test_who_has_left_gets_nothing_any_more(scene: Scene) -> None:
    """[PT2] [VW1]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    scene.node.submit("s", 1, Leave())
    await asyncio.sleep(SOON)
    assert scene.ears.events("s") == [(4, "participant_left")]
    assert scene.ears.closed == {"s": "left"}
    await scene.node.turn("a", 1, "sleep")
    assert scene.ears.events("a") == [(4, "participant_left"), (5, "page_turned")]
    assert scene.ears.here("a") == ["alex"]
    await scene.node.attach("s-again", "sam")
    assert scene.ears.closed["s-again"] == "left" and "s-again" not in scene.ears.heard


@story
async def test_the_end_is_told_to_everybody_and_is_the_end(scene: Scene) -> None:
    """[SE3]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    scene.node.submit("a", 1, EndSession())
    await asyncio.sleep(SOON)
    assert scene.ears.events("a") == scene.ears.events("s") == [(4, "session_ended")]
    assert scene.ears.closed == {"a": "session_ended", "s": "session_ended"}
    [row] = await scene.store.sessions()
    assert row.ended_at is not None
    await scene.node.attach("late", "sam")
    assert scene.ears.closed["late"] == "session_ended"


@story
async def test_stopping_says_to_come_back(scene: Scene) -> None:
    await scene.node.attach("a", "alex")
    await scene.hub.stop()
    assert scene.ears.closed == {"a": "shutting_down"}


@story
async def test_a_room_that_is_destroyed_ends_for_who_is_in_it(scene: Scene) -> None:
    """[SE6]"""
    await scene.node.attach("a", "alex")
    await scene.store.destroy("session", at=0)
    await asyncio.sleep(2 * HEAD_POLL)
    assert scene.ears.closed == {"a": "session_ended"}


# --- put out ---


@story
async def test_who_is_put_out_gets_nothing_from_that_event_on(scene: Scene) -> None:
    """[PT9] [VW1]: not even the event itself."""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s-phone", "sam")
    await scene.node.attach("s-tablet", "sam", ticket="sams-tablet")
    before = {each: list(scene.ears.heard[each]) for each in ("s-phone", "s-tablet")}
    scene.node.submit("a", 1, RemoveParticipant("sam"))
    await asyncio.sleep(SOON)
    await scene.node.turn("a", 2, "sleep")
    assert scene.ears.closed == {"s-phone": "removed", "s-tablet": "removed"}
    assert {each: scene.ears.heard[each] for each in before} == before
    assert scene.ears.events("a") == [(4, "participant_left"), (5, "page_turned")]
    assert scene.ears.here("a") == ["alex"]
    await scene.node.attach("s-again", "sam", ticket="another-device")
    assert scene.ears.closed["s-again"] == "removed" and "s-again" not in scene.ears.heard


@story
async def test_a_device_that_is_put_out_gets_nothing_and_sam_stays_on_the_other(scene: Scene) -> None:
    """[PT11]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s-phone", "sam")
    for window in ("s-lost-1", "s-lost-2"):
        await scene.node.attach(window, "sam", ticket="lost-phone")
    before = {each: list(scene.ears.heard[each]) for each in ("s-lost-1", "s-lost-2")}
    await scene.hub.ask("room", SERVER, RemoveDevice("lost-phone"))
    await scene.node.turn("a", 1, "sleep")
    assert scene.ears.closed == {"s-lost-1": "removed", "s-lost-2": "removed"}
    assert {each: scene.ears.heard[each] for each in before} == before
    assert scene.ears.events("a") == scene.ears.events("s-phone") == [(4, "unseen"), (5, "page_turned")]
    assert scene.hub.here("room") == {"alex", "sam"}
    await scene.node.attach("s-again", "sam", ticket="lost-phone")
    assert scene.ears.closed["s-again"] == "removed" and "s-again" not in scene.ears.heard


@story
async def test_who_is_put_out_on_one_process_is_out_on_the_other(scene: Scene) -> None:
    """[PT9] [PT11] In one catch-up with what came after."""
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    await south.attach("s-lost", "sam", ticket="lost-phone")
    scene.exchange.cut("south")
    await scene.node.turn("a", 1, "sleep")
    await scene.hub.ask("room", SERVER, RemoveDevice("lost-phone"))
    await scene.node.turn("a", 2, "worry")
    await scene.hub.ask("room", Actor("alex"), RemoveParticipant("sam"))
    await scene.node.turn("a", 3, "plans")
    await asyncio.sleep(HEAD_POLL + SOON)
    assert south.ears.events("s-lost") == [(4, "page_turned")]
    assert south.ears.events("s") == [(4, "page_turned"), (5, "unseen"), (6, "page_turned")]
    assert south.ears.closed == {"s-lost": "removed", "s": "removed"}


# --- one session after the other ---


@story
async def test_the_next_session_is_opened_in_the_same_room(scene: Scene) -> None:
    """[SE3] [OR1] The room's numbers go on; who was in the last one is told that it has ended."""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    await scene.ends_and_meets_again()
    assert scene.ears.closed == {"a": "session_ended"}
    await scene.node.attach("a2", "alex-again")
    await scene.node.attach("old", "sam")
    assert scene.ears.closed["old"] == "session_ended" and "old" not in scene.ears.heard
    view = scene.ears.last("a2", "welcome")["whole"]
    assert (view["page"], view["position"][1], view["ended"]) == ("home", 8, False)
    assert [person["id"] for person in view["people"]] == ["alex-again", "sam-again"]
    assert scene.ears.here("a2") == ["alex-again"]


@story
async def test_of_a_session_that_has_ended_no_log_is_left_when_the_next_one_begins(scene: Scene) -> None:
    """[OR7] [SE8] And what it was when it ended is there still."""
    await scene.hub.ask("room", Actor("sam"), TurnPage("sleep"))
    await scene.ends_and_meets_again()
    assert [recorded.seq for recorded in scene.shelf.log("room")] == [6, 7, 8]
    over = room_of(await scene.store.closed("session"))
    assert over is not None and over.session is not None
    assert (over.seq, over.session.opened, over.session.ended) == (5, ("sleep",), True)


@story
async def test_while_the_log_cannot_be_let_go_of_the_next_session_waits(scene: Scene) -> None:
    """[OR7] The end was written by a process that died right after; and now the store only reads."""
    room = room_of(await scene.store.load("room"))
    assert room is not None
    await scene.store.append(
        "room", "session", room.position, [Recorded(room.seq + 1, "the-end", SessionEnded("alex", 0))]
    )
    await scene.store.prepare(NewSession("room", "next-week", practice=False, account=None, made_at=0))
    opening = OpenSession("next-week", False, "starter", PAGES, "home")
    await asyncio.sleep(HEAD_POLL)
    south = Node(scene, "south")
    south.store.pace = busy("before_commit")
    try:
        await south.hub.ask("room", SERVER, opening)
    except StoreUnavailable:
        south.store.pace = at_once
        assert isinstance(await south.hub.ask("room", SERVER, opening), tuple)
        assert [recorded.seq for recorded in scene.shelf.log("room")] == [5]
        return
    raise AssertionError("the next session began over the log of the last one")


@story
async def test_what_is_destroyed_does_not_disturb_the_session_that_goes_on(scene: Scene) -> None:
    """[SE6]"""
    await scene.ends_and_meets_again()
    await scene.node.attach("a", "alex-again")
    await scene.store.destroy("session", at=0)
    scene.hub.destroyed("room", "session")
    await scene.node.turn("a", 1, "sleep")
    assert "whole" not in [name for name, _ in scene.ears.heard["a"]]
    assert scene.ears.events("a") == [(8, "page_turned")]


@story
async def test_what_is_destroyed_is_forgotten_by_this_process_too(scene: Scene) -> None:
    """[SE6] Though the room is still there, because another session was prepared in it."""
    await scene.store.prepare(NewSession("room", "for-tuesday", practice=False, account=None, made_at=0))
    await scene.hub.ask("room", SERVER, EndSession())
    await scene.store.destroy("session", at=0)
    scene.hub.destroyed("room", "session")
    room = await scene.hub.look("room")
    assert room is not None
    assert (room.seq, room.session, room.participants) == (4, None, {})


# --- who is here ---


@story
async def test_a_refresh_is_not_an_absence(scene: Scene) -> None:
    """[PR1] [PR3]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s1", "sam")
    await scene.node.attach("s2", "sam")
    assert scene.ears.here("a") == ["alex", "sam"]
    scene.hub.detach("s1")
    scene.hub.detach("s2")
    scene.hub.detach("s2")
    await asyncio.sleep(GRACE / 2)
    assert scene.hub.here("room") == {"alex", "sam"}
    await asyncio.sleep(GRACE)
    assert scene.hub.here("room") == {"alex"}
    assert scene.ears.here("a") == ["alex"]


@story
async def test_people_on_two_processes_see_each_other_come_and_go(scene: Scene) -> None:
    """[PR2]"""
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    assert scene.ears.here("a") == ["alex", "sam"]
    await asyncio.sleep(6)
    assert south.ears.here("s") == ["alex", "sam"]
    south.hub.detach("s")
    await asyncio.sleep(GRACE + 2 * HEAD_POLL)
    assert scene.ears.here("a") == ["alex"]


@story
async def test_who_leaves_while_their_connection_is_gone_is_gone_at_once(scene: Scene) -> None:
    """[PR3]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    scene.hub.detach("s")
    await scene.hub.ask("room", Actor("sam"), Leave())
    assert scene.hub.here("room") == {"alex"}


# --- several processes ---


@story
async def test_a_page_turned_on_one_process_is_open_on_the_other_at_once(scene: Scene) -> None:
    """[PG2]"""
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    await scene.node.turn("a", 1, "sleep")
    assert south.ears.events("s") == [(4, "page_turned")]
    await south.turn("s", 1, "worry")
    assert scene.ears.events("a") == [(4, "page_turned"), (5, "page_turned")]


@story
async def test_without_a_bus_it_takes_a_second(scene: Scene) -> None:
    """[OR3]"""
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    scene.exchange.cut("south")
    await scene.node.turn("a", 1, "sleep")
    assert south.ears.events("s") == []
    await asyncio.sleep(HEAD_POLL + SOON)
    assert south.ears.events("s") == [(4, "page_turned")]


@story
async def test_a_fault_while_asking_where_rooms_stand_is_not_the_last_question(scene: Scene) -> None:
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    scene.exchange.cut("south")

    async def fault_once(point: str) -> None:
        south.store.pace = at_once
        raise ZeroDivisionError

    scene.errors_expected = ["heads_fault"]
    south.store.pace = fault_once
    await asyncio.sleep(HEAD_POLL + SOON)
    await scene.node.turn("a", 1, "sleep")
    await asyncio.sleep(HEAD_POLL + SOON)
    assert south.ears.events("s") == [(4, "page_turned")]


@story
async def test_back_on_the_bus_it_looks_at_once(scene: Scene) -> None:
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    await asyncio.sleep(HEAD_POLL - (asyncio.get_running_loop().time() % HEAD_POLL) + HEAD_POLL / 4)
    scene.exchange.cut("south")
    await scene.node.turn("a", 1, "sleep")
    scene.exchange.rejoin("south")
    await asyncio.sleep(SOON)
    assert south.ears.events("s") == [(4, "page_turned")]


@story
async def test_two_processes_that_decide_at_once_come_to_one_order(scene: Scene) -> None:
    """[OR2]"""
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    scene.node.submit("a", 1, TurnPage("sleep"))
    south.submit("s", 1, TurnPage("worry"))
    await asyncio.sleep(SOON)
    assert scene.ears.events("a") == south.ears.events("s") == [(4, "page_turned"), (5, "page_turned")]
    assert await scene.node.position() == await south.position()


@story
async def test_a_window_is_never_shown_less_than_it_has_seen_elsewhere(scene: Scene) -> None:
    """[OR3]: it comes from a process that is ahead to one that has heard nothing yet."""
    south = Node(scene, "south")
    await scene.node.attach("a", "alex")
    await south.attach("s", "sam")
    scene.exchange.cut("south")
    await scene.node.turn("a", 1, "sleep")
    await south.attach("a2", "alex", await scene.node.position())
    assert south.ears.heard["a2"][0][1]["events"] == [] and south.ears.heard["a2"][0][1]["whole"] is None
    assert south.ears.events("s") == [(4, "page_turned")]


@story
async def test_a_file_copied_back_by_hand_is_noticed_and_everybody_gets_the_whole(scene: Scene) -> None:
    """[OR1]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    copy = scene.shelf.copy()
    await scene.node.turn("a", 2, "worry")
    scene.shelf.put_back(copy)
    elsewhere = Node(scene, "south")
    await elsewhere.attach("s", "sam")
    await elsewhere.turn("s", 1, "plans")
    await asyncio.sleep(HEAD_POLL + SOON)
    view = scene.ears.last("a", "whole")["view"]
    assert (view["page"], view["position"][1]) == ("plans", 5)


@story
async def test_a_restored_store_is_read_anew(scene: Scene) -> None:
    """[OR1]"""
    await scene.node.attach("a", "alex")
    copy = scene.shelf.copy()
    await scene.node.turn("a", 1, "sleep")
    scene.shelf.put_back(copy)
    scene.hub.reload()
    await asyncio.sleep(SOON)
    assert scene.ears.last("a", "whole")["view"]["page"] == "home"


# --- housekeeping ---


@story
async def test_after_ten_minutes_the_log_forgets_and_the_room_does_not(scene: Scene) -> None:
    """[OR7]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    assert len(scene.shelf.log("room")) == 4
    await asyncio.sleep(1.3 * KEPT_FOR)
    assert scene.shelf.log("room") == []
    room = room_of(await scene.store.load("room"))
    assert room is not None and room.session is not None and room.session.page == "sleep"


@story
async def test_the_log_of_a_room_that_nobody_uses_any_more_is_forgotten_too(scene: Scene) -> None:
    """[OR7]"""
    await scene.node.attach("a", "alex")
    await scene.node.turn("a", 1, "sleep")
    scene.hub.detach("a")
    await asyncio.sleep(CLOSE_AFTER + 3 * HEAD_POLL)
    assert scene.shelf.log("room") == []


@story
async def test_what_a_process_that_died_left_of_an_ended_session_is_tidied(scene: Scene) -> None:
    """[OR7]"""
    room = room_of(await scene.store.load("room"))
    assert room is not None
    end = Recorded(room.seq + 1, "the-end", SessionEnded("alex", 0))
    await scene.store.append("room", "session", room.position, [end])
    assert scene.shelf.log("room")[-1] == end
    await tidy(scene.store, scene.hub)
    await asyncio.sleep(3 * HEAD_POLL)
    assert scene.shelf.log("room") == []
    assert room_of(await scene.store.load("room")) == evolve(room, end)


@story
async def test_a_room_that_nobody_uses_is_closed_and_can_be_opened_again(scene: Scene) -> None:
    await scene.node.attach("a", "alex")
    scene.hub.detach("a")
    await asyncio.sleep(CLOSE_AFTER + 3 * HEAD_POLL)
    reads = 0

    async def count(point: str) -> None:
        nonlocal reads
        reads += point == "read"

    scene.store.pace = count
    await asyncio.sleep(5 * HEAD_POLL)
    assert reads == 0, "a closed room is still asked about"
    await scene.node.attach("a", "alex")
    assert scene.ears.last("a", "welcome")["whole"]["page"] == "home"
