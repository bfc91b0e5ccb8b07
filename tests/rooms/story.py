"""A room that is told as a story: people ask, and what comes of it is folded in."""

from __future__ import annotations

from collections.abc import Iterable

from rooms import (
    SERVER,
    Actor,
    Command,
    Decision,
    Document,
    EndSession,
    Event,
    Join,
    Leave,
    OpenSession,
    Recorded,
    RemoveDevice,
    RemoveParticipant,
    Role,
    Room,
    Stamp,
    TurnPage,
    View,
    decide,
    evolve,
    view_of,
)
from rooms.events import NotesWritten

PAGES = ("home", "hard-days", "small-things", "people")
NOON = 1_750_000_000_000


class Story:
    """A room, the log it came from, and short ways to ask for things."""

    def __init__(self, room: Room | None = None) -> None:
        self.room = room or Room("room-1", "epoch-1")
        self.begin = self.room
        self.log: list[Recorded] = []
        self.words = Document()
        self.now = NOON

    def asks(self, who: str | None, command: Command, stamp: Stamp | None = None) -> Decision:
        """Decide, and fold what comes of it. `who` is a participant's id; None is the server."""
        decision = decide(self.room, Actor(who, stamp) if who else SERVER, command, self.now, self.words)
        if isinstance(decision, tuple):
            self.folds(decision, stamp)
        return decision

    def folds(self, events: Iterable[Event], stamp: Stamp | None = None) -> None:
        """These have happened."""
        for event in events:
            seq = self.room.seq + 1
            recorded = Recorded(seq, f"tail-{seq}", event, stamp)
            self.room = evolve(self.room, recorded)
            self.log.append(recorded)
            if isinstance(event, NotesWritten):
                self.words.keep(event.update)

    def opens(self, session: str = "session-1", pages: tuple[str, ...] = PAGES, home: str = "home") -> Decision:
        return self.asks(None, OpenSession(session, practice=False, pack="starter", pages=pages, home=home))

    def joins(self, who: str, name: str, role: Role = Role.SERVICE_USER) -> Decision:
        return self.asks(None, Join(who, role, name))

    def turns(self, who: str, page: str, window: str = "", number: int = 0) -> Decision:
        return self.asks(who, TurnPage(page), Stamp(window, number) if window else None)

    def leaves(self, who: str) -> Decision:
        return self.asks(who, Leave())

    def removes(self, who: str | None, whom: str) -> Decision:
        return self.asks(who, RemoveParticipant(whom))

    def removes_device(self, device: str) -> Decision:
        return self.asks(None, RemoveDevice(device))

    def ends(self, who: str | None) -> Decision:
        return self.asks(who, EndSession())

    @property
    def page(self) -> str:
        assert self.room.session is not None
        return self.room.session.page

    def sees(self, who: str) -> View:
        view = view_of(self.room, who)
        assert view is not None, f"{who} sees nothing"
        return view


def sam_and_alex() -> Story:
    """Sam's session with Alex, his nurse, is open, and both are in it, on the home page."""
    story = Story()
    story.opens()
    story.joins("sam", "Sam")
    story.joins("alex", "Alex, nurse", Role.WORKER)
    return story
