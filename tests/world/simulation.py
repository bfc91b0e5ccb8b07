"""A whole world from one seed: three processes, four people, one store, one bus, and an unfriendly scheduler.

A run is a list of steps. The scheduler makes it up as it goes along and writes it down, so that a run that ended badly
can be played again step by step: `play(seed, steps=[...])`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeAlias

from structlog.testing import capture_logs

from rooms import (
    SERVER,
    Command,
    EndSession,
    Join,
    Leave,
    OpenSession,
    Refusal,
    RemoveDevice,
    RemoveParticipant,
    Role,
    Room,
    TurnPage,
    view_of,
    why_not,
)
from server.bus.memory import MemoryExchange, fair_weather
from server.ports import NewSession, StoreUnavailable, Telling
from server.store.memory import MemoryStore
from tests.contracts.diary import room_of
from tests.world.ledger import Ledger
from tests.world.loop import VirtualLoop
from tests.world.machines import Machine, World
from tests.world.people import Browsers, ClientFault, Person

STEPS = 200
ROOM = "room"
PAGES = ("home", "sleep", "worry", "plans", "people")
NOWHERE = "nowhere"
PEOPLE = (("alex", Role.WORKER), ("sam", Role.SERVICE_USER), ("kim", Role.SERVICE_USER), ("noor", Role.WORKER))
NOBODY = "nobody"
MACHINES = ("north", "east", "south")

BUS_LOSES = 0.3
BUS_REPEATS = 0.2
LEAVES = 0.004
ENDS = 0.006
REMOVES = 0.012
REMOVES_DEVICE = 0.008
TICK_EVERY = 0.5
LAST_WORDS = 6.0
"""Seconds: longer than a move lives, so that what is said last is over before the weather gets better."""
HEALING = 17.0
"""Seconds: longer than every patience, back-off and belief in the product."""

Logs: TypeAlias = Sequence[Mapping[str, Any]]
Act: TypeAlias = tuple[str, *tuple[str | int, ...]]
"""What happens, and to whom."""
Step: TypeAlias = tuple[int, str, *tuple[str | int, ...]]
"""Milliseconds that pass before it, and an act."""


class Broken(AssertionError):
    """A promise was broken. Says which, after which steps of which seed."""

    def __init__(self, seed: int, steps: Sequence[Step], problems: Sequence[str]) -> None:
        self.seed = seed
        self.steps = list(steps)
        self.problems = list(problems)
        lines = [f"seed {seed}, after {len(steps)} steps:", *(f"  {problem}" for problem in problems[:10])]
        listed = "".join(f"\n    {step!r}," for step in steps)
        super().__init__("\n".join([*lines, f"play({seed}, browsers, steps=[{listed}\n])"]))


class Outcome:
    """What a run that kept every promise has to show for itself."""

    def __init__(self, simulation: Simulation) -> None:
        self.events = len(simulation.ledger.events)
        self.acknowledged = sum(
            outcome in ("event", "already")
            for person in simulation.people.values()
            for window in person.windows
            for outcome in window.outcome.values()
        )
        self.steps = simulation.steps
        self.log = tuple(simulation.ledger.events)


def play(
    seed: int,
    browsers: Browsers,
    steps: Sequence[Step] | None = None,
    length: int = STEPS,
    kind: type[Simulation] | None = None,
) -> Outcome:
    """One world, from its beginning to its healed end.

    Args:
        steps: what happens. None: the scheduler makes up `length` steps from `seed`.
        kind: what people do in it. None: they turn pages.
    Raises:
        Broken: a promise was not kept.
    """
    with VirtualLoop() as loop, capture_logs() as logs:
        simulation = loop.run(_begin(seed, loop, browsers, logs, kind or Simulation))
        try:
            loop.run(simulation.live(steps, length))
        except ClientFault as fault:
            raise Broken(seed, simulation.steps, [str(fault), *simulation.problems]) from fault
        return Outcome(simulation)


async def _begin(seed: int, loop: VirtualLoop, browsers: Browsers, logs: Logs, kind: type[Simulation]) -> Simulation:
    ids = iter(range(10**6))
    store = MemoryStore(new_id=lambda: f"epoch-{next(ids)}")
    epoch = (await store.create(ROOM, at=0)).epoch
    await store.prepare(NewSession(ROOM, "session", practice=False, account=None, made_at=0))
    world = World(seed, loop, store, MemoryExchange(), Ledger(Room(ROOM, epoch)))
    simulation = kind(world, browsers, logs)
    await simulation.open_session()
    return simulation


class Simulation:
    def __init__(self, world: World, browsers: Browsers, logs: Logs) -> None:
        self.world = world
        self._logs = logs
        self.ledger = world.ledger
        self.steps: list[Step] = []
        self._healing = False
        self._trimming: asyncio.Future[None] | None = None
        self._asking: asyncio.Future[None] | None = None
        self.machines = {name: Machine(name, world) for name in MACHINES}
        self._acts: dict[str, Callable[..., None]] = {
            "turn": lambda who, page: self.people[who].submit(TurnPage(page)),
            "leave": lambda who: self.people[who].submit(Leave()),
            "remove": lambda who, whom: self.people[who].submit(RemoveParticipant(whom)),
            "remove_device": self._remove_device,
            "end": lambda who: self.people[who].submit(EndSession()),
            "burst": self._burst,
            "connect": lambda who, machine: self.people[who].connect(self.machines[machine]),
            "drop": lambda who: self.people[who].drop(),
            "lose": lambda who: self.people[who].lose(),
            "reload": lambda who: self.people[who].load_page(),
            "crash": lambda machine: self.machines[machine].crash(),
            "start": lambda machine: self.machines[machine].start(),
            "freeze": lambda machine: self.machines[machine].freeze(),
            "thaw": lambda machine: self.machines[machine].thaw(),
            "cut_bus": lambda machine: self.machines[machine].cut_bus(True),
            "join_bus": lambda machine: self.machines[machine].cut_bus(False),
            "cut_store": lambda machine: self.machines[machine].cut_store(True),
            "join_store": lambda machine: self.machines[machine].cut_store(False),
            "busy": lambda: self.world.be_busy(True),
            "calm": lambda: self.world.be_busy(False),
            "trim": self._trim,
            "wait": lambda: None,
        }
        self.people = self._make_people(browsers)

    def _make_people(self, browsers: Browsers) -> Mapping[str, Person]:
        return {name: Person(name, role, self.world, browsers, ROOM) for name, role in PEOPLE}

    def _scheduler(self) -> Scheduler:
        return Scheduler(self)

    async def open_session(self) -> None:
        """The house opens the session and lets the people in; then everybody connects, and the bad weather begins."""
        hub = self.machines[MACHINES[0]].hub
        opening: list[Command] = [OpenSession("session", False, "pack", PAGES, PAGES[0])]
        joining = {each.participant: each.role for each in self.people.values()}
        opening += [Join(name, role, name.title()) for name, role in joining.items()]
        for command in opening:
            outcome = await hub.ask(ROOM, SERVER, command)
            assert not isinstance(outcome, Refusal), outcome
        self._reconnect()
        self.world.exchange.weather = self._bad_weather(self.world.chance("weather"))

    @staticmethod
    def _bad_weather(chance: Random) -> Callable[[str, str, Telling], Sequence[float]]:
        def weather(_sender: str, _receiver: str, _message: Telling) -> Sequence[float]:
            if chance.random() < BUS_LOSES:
                return ()
            copies = 2 if chance.random() < BUS_REPEATS else 1
            return [chance.choice((0.001, 0.02, 0.3)) * (0.5 + chance.random()) for _ in range(copies)]

        return weather

    async def live(self, steps: Sequence[Step] | None, length: int) -> None:
        ticking = asyncio.ensure_future(self._tick())
        scheduler = self._scheduler()
        for nth in range(length if steps is None else len(steps)):
            step = scheduler.next() if steps is None else steps[nth]
            self.steps.append(step)
            pause, act, *about = step
            await asyncio.sleep(pause / 1000)
            self._acts[act](*about)
            self._stop_if_broken()
        self._last_words()
        self._heal()
        await asyncio.sleep(LAST_WORDS)
        self.world.exchange.weather = fair_weather
        await asyncio.sleep(HEALING)
        self._stop_if_broken()
        await self._check()
        self._stop_if_broken()
        ticking.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_EVERY)
            Person.tick_all(list(self.people.values()))
            if self._healing:
                self._reconnect()

    @property
    def problems(self) -> list[str]:
        """Broken promises, and what no promise foresees: a task that ended badly, an error in the product's log."""
        errors = [str(line) for line in self._logs if line["log_level"] == "error"]
        return [*self.ledger.problems, *self.world.loop.faults, *errors]

    def _stop_if_broken(self) -> None:
        if problems := self.problems:
            raise Broken(self.world.seed, self.steps, problems)

    # --- steps that are more than a call ---

    def _remove_device(self, whose: str, machine: str) -> None:
        """The house is asked, on `machine`, to put out somebody's only device. What comes of it, the log shows."""
        to = self.machines[machine]

        async def ask() -> None:
            try:
                await to.hub.ask(ROOM, SERVER, RemoveDevice(whose))
            except StoreUnavailable:
                return  # Whoever asked is told to ask again.

        def begin() -> None:
            self._asking = asyncio.ensure_future(ask())

        if to.life is not None:
            to.life.once_running(lambda: to.within(begin))

    def _burst(self, who: str, pages: str) -> None:
        for letter in pages:
            self.people[who].submit(TurnPage(PAGES[int(letter)]))

    def _trim(self, kept: int) -> None:
        """What ten minutes do to a log: a snapshot, and all but the last `kept` events are gone."""
        room = self.ledger.room()
        self._trimming = asyncio.ensure_future(
            self.world.store.snapshot(room, room.seq - kept, self.ledger.words().saved())
        )

    # --- the end ---

    def _last_words(self) -> None:
        """One turn each while the bus still loses: nothing is said later that would make up for a lost doorbell."""
        for person, page in zip(self.people.values(), PAGES, strict=False):
            person.submit(TurnPage(page))

    def _heal(self) -> None:
        """All troubles but the weather are over. Who is connected stays so: it is the product that has to notice.

        Except that whoever lost something on the way connects anew: the last word of a silent room, once lost, shows
        to nobody until then.
        """
        self.world.be_busy(False)
        for machine in self.machines.values():
            machine.start()
            machine.thaw()
            machine.cut_bus(False)
            machine.cut_store(False)
        for person in self.people.values():
            person.no_more_losses()
        self._healing = True

    def _reconnect(self) -> None:
        """What every client does by itself, for ever; in times of trouble the scheduler decides when it succeeds."""
        for nth, person in enumerate(self.people.values()):
            person.connect(self.machines[MACHINES[nth % len(MACHINES)]])

    async def _check(self) -> None:
        """Everything equals the replay of the log, and every command came to what its author was told."""
        room = self.ledger.room()
        if room_of(await self.world.store.load(ROOM)) != room:
            self.ledger.broken("the store's room is not the replay of its log")
        for machine in self.machines.values():
            replica = await machine.hub.look(ROOM)
            if replica != room:
                self.ledger.broken(
                    f"{machine.name} stands at {replica and replica.position}, the log at {room.position}"
                )
        for person in self.people.values():
            self._check_person(person, room)

    def _check_person(self, person: Person, room: Room) -> None:
        if person.pending:
            self.ledger.broken(f"{person.id} was never answered about {person.pending}")
        over = _ways_out(room, person.participant)
        if not over:
            self._check_view(person, room)
        elif person.state not in over:
            self.ledger.broken(f"{person.id} is {person.state}, and should be {over}")
        for window in person.windows:
            for problem in window.compare(self.ledger.of_window(window.id)):
                self.ledger.broken(problem)

    def _check_view(self, person: Person, room: Room) -> None:
        expected = view_of(room, person.participant)
        if person.view != expected:
            self.ledger.broken(f"{person.id} sees {person.view}, the log says {expected}")
        here = {each.participant for each in self.people.values()}
        if set(person.here) != {each for each in here if why_not(room, each, each) is None}:
            self.ledger.broken(f"{person.id} is told that {person.here} are here")


def _ways_out(room: Room, who: str) -> set[str]:
    """The states in which a client may be for which it is over: more than one if more than one thing has happened."""
    session, person = room.session, room.participants[who]
    assert session is not None
    ways = {"ended"} if session.ended else set()
    if person.removed or who in session.removed_devices:
        ways.add("removed")
    if person.left and not person.removed:
        ways.add("left")
    return ways


class Scheduler:
    """Makes up the next step: mostly people doing things, and never so much trouble at once that nothing happens."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._chance = simulation.world.chance("scheduler")

    def next(self) -> Step:
        chance = self._chance
        act, *about = chance.choice(self._people() if chance.random() < 0.7 else self._troubles())
        return (self._pause(), act, *about)

    def _pause(self) -> int:
        """Milliseconds. Mostly short, so that things overlap; now and then long enough for a patience to end."""
        kind = self._chance.random()
        if kind < 0.6:
            return self._chance.randint(0, 60)
        if kind < 0.98:
            return self._chance.randint(60, 350)
        return self._chance.randint(1_000, 9_000)

    def _people(self) -> list[Act]:
        chance = self._chance
        who = chance.choice(list(self._simulation.people))
        person = self._simulation.people[who]
        machine = chance.choice(MACHINES)
        if person.wire is None:
            connect: Act = ("connect", who, machine)
            return [connect, connect, connect, ("turn", who, chance.choice(PAGES))]
        pages = "".join(str(chance.randrange(len(PAGES))) for _ in range(chance.randint(2, 10)))
        if chance.random() < LEAVES:
            return [("leave", who)]
        if person.role is Role.WORKER and chance.random() < ENDS:
            return [("end", who)]
        if person.role is Role.WORKER and chance.random() < REMOVES:
            return [("remove", who, chance.choice([*self._simulation.people, NOBODY]))]
        if chance.random() < REMOVES_DEVICE:
            return [("remove_device", who, machine)]
        turn: Act = ("turn", who, chance.choice(PAGES) if chance.random() < 0.97 else NOWHERE)
        return [*[turn] * 9, ("burst", who, pages), ("drop", who), ("reload", who), ("lose", who)]

    def _troubles(self) -> list[Act]:
        world, machines = self._simulation.world, self._simulation.machines.values()
        up = [each for each in machines if each.up]
        ends: list[Act] = [("start", each.name) for each in machines if not each.up]
        ends += [("thaw", each.name) for each in up if each.frozen]
        ends += [("join_bus", each.name) for each in machines if each.bus_cut]
        ends += [("join_store", each.name) for each in machines if each.store_cut]
        if world.store_busy:
            ends.append(("calm",))
        if len(ends) >= 3:
            return ends
        begins: list[Act] = [("crash", each.name) for each in (*up, *up)]
        begins += [("freeze", each.name) for each in up if not each.frozen]
        begins += [("cut_bus", each.name) for each in machines if not each.bus_cut]
        begins += [("cut_store", each.name) for each in machines if not each.store_cut]
        begins += [("trim", self._chance.randint(0, 5)), ("wait",)]
        if not world.store_busy:
            begins.append(("busy",))
        return [*begins, *ends, *ends]
