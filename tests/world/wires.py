"""One connection between a browser and a process: frames go both ways, in order, each taking its time.

What was on its way when it is cut may arrive or not, but never with a hole: an end of it is lost. Only something broken
in between can take a single frame out, and leave the connection as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from rooms import wire
from server.hub import Seat
from tests.world.machines import Life, Machine, World

if TYPE_CHECKING:
    from tests.world.people import Person

SECONDS_ON_THE_WAY = (0.005, 0.25)
SECONDS_UNTIL_A_DEAD_PEER_IS_NOTICED = (0.02, 4.0)
"""Engine.IO's ping notices after 4 s at the latest; a closed socket at once."""


class Way:
    """One direction. Frames arrive in the order in which they were sent."""

    def __init__(self, world: World, chance: Random, arrive: Callable[[Any], None]) -> None:
        self._world = world
        self._chance = chance
        self._arrive = arrive
        self._frames: deque[Any] = deque()
        self._last = 0.0
        self._lost_from: int | None = None

    def send(self, frame: Any) -> None:
        self._frames.append(frame)
        self._last = max(self._last, self._world.loop.now + self._chance.uniform(*SECONDS_ON_THE_WAY))
        # Timers for the same instant fire in any order, so a timer takes what is first, not what it was set for.
        self._world.loop.call_at(self._last, self._next)

    def cut(self) -> None:
        """Of what is on its way, only a first part arrives."""
        arriving = self._chance.randint(0, len(self._frames))
        while len(self._frames) > arriving:
            self._frames.pop()

    def lose_everything(self) -> None:
        self._frames.clear()

    def take_back(self) -> None:
        """The frame that was sent last does not arrive."""
        self._frames.pop()

    def _next(self) -> None:
        if self._frames:
            self._arrive(self._frames.popleft())


class Wire:
    """From `person` to the process that lives on `machine` now. Frames for a process that has died are lost."""

    def __init__(self, world: World, name: str, person: Person, machine: Machine) -> None:
        assert machine.life is not None
        self.name = name
        self._world = world
        self._person = person
        self._machine = machine
        self._life: Life = machine.life
        self._chance = world.chance(f"wire {name}")
        self._up = Way(world, self._chance, self._at_the_server)
        self._down = Way(world, self._chance, person.received)
        self._gone = False
        self._lose_next = False
        self._mischief = ""
        self._late: Any = None
        self.lossy = False
        """Events were lost on it, or will be: until it is made anew, the browser may be behind and nobody knows."""
        self._told = 0
        """The number that this connection has been brought to."""
        machine.wires[name] = self

    # --- the browser's end ---

    def send(self, event: str, payload: Any) -> None:
        """A frame of the client: `hello` first, then `command`, `catch_up` and `digests`."""
        if event == "command" and self._mischief == "late" and self._late is None:
            self._late = (event, payload)
            return
        self._up.send((event, payload))
        if event == "command" and self._mischief == "twice":
            self._up.send((event, payload))
        if event == "command" and self._mischief == "broken" and payload["command"]["type"] == "write":
            # Whoever is in between has changed it, and the client's own frame never arrives.
            self._up.take_back()
            self._up.send((event, {**payload, "command": {**payload["command"], "update": "AQEBAAA="}}))
        self._mischief = ""
        if self._late is not None:
            late, self._late = self._late, None
            self._up.send(late)

    def spoil(self, how: str) -> None:
        """The next command arrives `twice`, `late` (behind the one after it), or `broken`."""
        self._mischief = how

    def drop(self) -> None:
        """The browser's end is gone. The server notices later; until then it talks to nobody."""
        self._down.lose_everything()
        self._up.cut()
        self._gone = True
        later = self._chance.uniform(*SECONDS_UNTIL_A_DEAD_PEER_IS_NOTICED)
        self._world.loop.call_later(later, self._life.once_running, self._detach)

    def lose(self) -> None:
        """The next events that the server sends do not arrive, and neither end is told."""
        self._lose_next = self.lossy = True

    # --- the server's end ---

    def tell(self, packet: str) -> None:
        event = self._check(packet)
        if self._gone:
            return
        if self._lose_next and event == "events":
            self._lose_next = False
            return
        self._down.send(packet)

    def close(self, goodbye: str) -> None:
        """The server hangs up, after all that it has said."""
        self._machine.wires.pop(self.name, None)
        if not self._gone:
            self._gone = True
            self._down.send(goodbye)
            self._down.send(None)

    def server_died(self) -> None:
        """The process is gone: what it had sent may still arrive, then the connection is reset."""
        if not self._gone:
            self._gone = True
            self._up.lose_everything()
            self._down.cut()
            self._down.send(None)

    def _at_the_server(self, frame: Any) -> None:
        self._life.once_running(lambda: self._machine.within(lambda: self._handle(*frame)))

    def _handle(self, event: str, payload: Any) -> None:
        """What the socket handlers do: parse, call the hub, return at once."""
        if self.name not in self._machine.wires:
            return
        hub = self._machine.hub
        if event == "hello":
            hello = wire.parse_hello(payload)
            position = None if hello.position is None else wire.position_of(hello.position)
            self._told = 0 if position is None else position.seq
            who = self._person.participant
            seat = Seat(self._person.room, who, ticket=who)  # Everybody has one device.
            hub.attach(self.name, seat, hello.window, position)
        elif event == "command":
            hub.submit(self.name, wire.parse_submission(payload))
        elif event == "digests":
            hub.compare(self.name, *wire.parse_digests(payload))
        else:
            hub.catch_up(self.name, wire.parse_catch_up(payload))

    def _detach(self) -> None:
        if self._machine.wires.pop(self.name, None) is not None:
            self._machine.within(lambda: self._machine.hub.detach(self.name))

    def _check(self, packet: str) -> str:
        """Commit before tell; no hole in what is told; and no process ever shows less than it has shown before.

        Gives the packet's name.
        """
        event, payload = wire.payload_of(packet)
        if event not in ("welcome", "events", "whole"):
            return event
        ledger, to = self._world.ledger, f"{self._person.id} on {self.name}"
        view = payload["view"] if event == "whole" else payload.get("whole")
        if view is not None:
            self._told = view["position"][1]
        else:
            ledger.told(to, payload["events"])
            for frame in payload["events"]:
                if frame["seq"] > self._told + 1:
                    ledger.broken(f"{to} was told event {frame['seq']} right after {self._told}")
                self._told = frame["seq"]
        ledger.shown(to, self._told, self._person.participant)
        if self._told < self._life.shown:
            ledger.broken(f"{to} was brought to {self._told}, by a process that had shown {self._life.shown}")
        self._life.shown = max(self._life.shown, self._told)
        return event
