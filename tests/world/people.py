"""The people of a world: the product's own compiled client modules, in Node, asked one question after the other.

Nothing of a client is imitated here. This file only carries frames to it and from it, and notes what it shows and says.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rooms import (
    EndSession,
    Event,
    FromWindow,
    Leave,
    Recorded,
    RemoveForGood,
    RemoveParticipant,
    Role,
    TurnPage,
    View,
    Write,
    view_of,
    why_not,
    wire,
)
from rooms.events import (
    NotesWritten,
    PageTurned,
    ParticipantLeft,
    ParticipantRemoved,
    RemovedForGood,
    SessionEnded,
)
from tests.world.loop import START_OF_THE_WORLD
from tests.world.machines import Machine, World
from tests.world.wires import Wire

TOP = Path(__file__).resolve().parents[2]
ESBUILD = TOP / "client_templates" / "node_modules" / ".bin" / "esbuild"
HARNESS = TOP / "tests" / "world" / "harness.ts"


class ClientFault(Exception):
    """The client's code threw, or its process ended: never right, whatever it was sent."""


class Browsers:
    """One Node process that holds the clients of one world after another. A context manager.

    It compiles the client modules as they are now, for itself: several may do so at the same time.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        bundle = Path(self._folder.name) / "harness.mjs"
        how = ["--bundle", "--platform=node", "--format=esm", "--target=node20", "--log-level=warning"]
        subprocess.run([ESBUILD, HARNESS, *how, f"--outfile={bundle}"], check=True)
        self._node = subprocess.Popen(["node", bundle], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Browsers:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._node.stdin is not None and self._node.stdout is not None
        self._node.stdin.close()
        self._node.stdout.close()
        self._node.wait()
        self._folder.cleanup()

    def ask(self, *calls: str) -> list[Any]:
        """Carry out calls, in order, and give their replies. One trip through the pipe, however many they are."""
        assert self._node.stdin is not None and self._node.stdout is not None
        self._node.stdin.write(f"[{','.join(calls)}]\n".encode())
        self._node.stdin.flush()
        answer = self._node.stdout.readline()
        if not answer:
            raise ClientFault(f"the client's process ended, asked {calls}")
        try:
            replies: list[Any] = msgspec.json.decode(answer)
        except msgspec.DecodeError as error:
            raise ClientFault(f"the client holds half a letter: {error}") from None
        for call, reply in zip(calls, replies, strict=True):
            if "error" in reply:
                raise ClientFault(f"{reply['error']}, asked {call}")
        return replies


class WindowStory:
    """What one window asked for, and what it was told came of it."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.asked: dict[int, FromWindow] = {}
        self.outcome: dict[int, str] = {}
        """`event`, `already`, `dropped`, or the code of a refusal, by number."""

    def compare(self, log: Sequence[Recorded]) -> Iterator[str]:
        """What is wrong between what was told and what is in the log."""
        numbers = [recorded.stamp.number for recorded in log if recorded.stamp is not None]
        if numbers != sorted(set(numbers)):
            yield f"{self.id}: the log has {numbers}, which is not once each, in order"
        for recorded, number in zip(log, numbers, strict=True):
            if not came_of(self.asked.get(number), recorded.event):
                yield f"{self.id}: command {number} was {self.asked.get(number)}, the log has {recorded.event}"
        for number, outcome in self.outcome.items():
            if outcome == "event" and number not in numbers:
                yield f"{self.id}: command {number} was acknowledged, but is not in the log"
            if outcome in wire.REFUSALS and outcome != "malformed" and number in numbers:
                yield f"{self.id}: command {number} was refused ({outcome}), but is in the log"


def came_of(command: FromWindow | None, event: Event) -> bool:
    """Whether this is what a window that sent `command` has to expect in the log."""
    match command, event:
        case (TurnPage(page=asked), PageTurned(page=page)):
            return asked == page
        case (RemoveParticipant(participant=asked), ParticipantRemoved(participant=removed)):
            return asked == removed
        case (Write(), NotesWritten()):
            return (command.box, command.update) == (event.box, event.update)
        case (RemoveForGood(passage=asked), RemovedForGood(passage=removed)):
            return asked == removed
        case (Leave(), ParticipantLeft()) | (EndSession(), SessionEnded()):
            return True
        case _:
            return False


class Person:
    """Somebody in the session, with one window at a time. `participant`: who they are there, if it is not `id`."""

    def __init__(
        self, id: str, role: Role, world: World, browsers: Browsers, room: str, participant: str | None = None
    ) -> None:
        self.id = id
        self.participant = participant or id
        self.role = role
        self.room = room
        self.windows: list[WindowStory] = []
        self.wire: Wire | None = None
        self.state = ""
        self.pending: list[int] = []
        self.view: View | None = None
        self.here: list[str] = []
        self.unsent = 0
        """Pieces of writing that the server has not acknowledged."""
        self._shown: tuple[str, int] = ("", -1)
        self._wires = 0
        self._world = world
        self._browsers = browsers
        self.load_page()

    @property
    def over(self) -> bool:
        """The client will not connect again: the person left or was put out, or the session has ended."""
        return self.state in ("left", "removed", "ended", "other_version")

    @property
    def window(self) -> WindowStory:
        return self.windows[-1]

    # --- what somebody does ---

    def load_page(self) -> None:
        """A new window, as after a refresh: the old one's connection, view and unanswered commands are gone."""
        self.drop()
        self.windows.append(WindowStory(f"{self.id}-window-{len(self.windows) + 1:014d}"))
        self._shown = ("", -1)
        self._call("new", f'"{self.window.id}",null,{self._world.new_number()}')

    def connect(self, machine: Machine) -> None:
        """To `machine`, which may be frozen: the client knows nothing of machines."""
        if self.wire is not None or self.over or not machine.up:
            return
        self._wires += 1
        self.wire = Wire(self._world, f"{self.id}-{self._wires}-to-{machine.name}", self, machine)
        self.wire.send("hello", self._call("hello")["hello"])

    def drop(self) -> None:
        """The connection breaks, and the browser knows at once."""
        if self.wire is not None:
            self.wire.drop()
            self.wire = None
            self._call("disconnected")

    def lose(self) -> None:
        """Something broken in between swallows the next events that are sent here."""
        if self.wire is not None:
            self.wire.lose()

    def no_more_losses(self) -> None:
        """What is in between works again. A connection on which something was or would be lost is broken off."""
        if self.wire is not None and self.wire.lossy:
            self.drop()

    def submit(self, command: FromWindow) -> None:
        """Ask for something. Somebody whose page says that it is over has nothing left to press."""
        if not self.over:
            reply = self._call("submit", msgspec.json.encode(command).decode())
            self.window.asked[reply["number"]] = command

    @staticmethod
    def tick_all(people: Sequence[Person]) -> None:
        """Some time has passed, for all of them."""
        replies = people[0]._browsers.ask(*(each._asked("tick", "") for each in people))
        for each, reply in zip(people, replies, strict=True):
            each._note(reply)

    # --- what comes in ---

    def received(self, packet: str | None) -> None:
        """A packet of the server; None when the server, or its end, has closed the connection."""
        if packet is None:
            self.wire = None
            self._call("disconnected")
        else:
            self._call("received", packet[2:-1])

    def _call(self, call: str, args: str = "") -> Any:
        [reply] = self._browsers.ask(self._asked(call, args))
        self._note(reply)
        return reply

    def _asked(self, call: str, args: str) -> str:
        now = START_OF_THE_WORLD + self._world.loop.now * 1000
        return f'{{"client":"{self.id}","call":"{call}","args":[{args}],"now":{now}}}'

    def _note(self, reply: Any) -> None:
        self.pending = reply["pending"]
        self.state = reply["state"]
        self.here = [each["id"] for each in reply["here"]]
        self.unsent = reply["unsent"]
        self._show(reply["view"])
        for notice in reply["notices"]:
            match notice["kind"]:
                case "done":
                    self.window.outcome[notice["number"]] = notice["outcome"]
                case "refused":
                    self.window.outcome[notice["number"]] = notice["code"]
                case "dropped":
                    self.window.outcome[notice["number"]] = "dropped"
                case "renumbered":
                    self.window.asked[notice["again"]] = self.window.asked[notice["number"]]
        for event, payload in reply["emits"]:
            if event == "command" and payload["command"]["type"] == "write":
                self.window.asked[payload["number"]] = msgspec.convert(payload["command"], Write)
            if self.wire is not None:
                self.wire.send(event, payload)
        if reply["faults"]:
            self._world.ledger.broken(f"{self.id} saw other notes than the server has")

    def _show(self, view: Any) -> None:
        """The person looks at the screen. Its number only grows, and at each it shows what the log says up to there."""
        self.view = None if view is None else msgspec.convert(view, View)
        if self.view is None:
            return
        ledger, (epoch, seq, _) = self._world.ledger, msgspec.structs.astuple(self.view.position)
        if (epoch, seq) == self._shown:
            return
        if epoch == self._shown[0] and seq < self._shown[1]:
            ledger.broken(f"{self.id} saw number {seq} after {self._shown[1]}")
        self._shown = (epoch, seq)
        room = ledger.room_at(seq)
        if room is not None and why_not(room, self.participant, self.participant) == "removed":
            ledger.broken(f"{self.id} was put out, and saw number {seq}")
        expected = view_of(room, self.participant) if room is not None else None
        if expected is not None and self.view != expected:
            ledger.broken(f"{self.id} saw {self.view} at number {seq}, the log says {expected}")
