"""Ends sessions that nobody is in, and destroys what has had its time: [SE5], [SE6]."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from rooms import SERVER, EndSession
from server.hub import Hub
from server.ports import Clock, SessionRow, Store, StoreUnavailable

log = structlog.get_logger("sweep")

EVERY = 60.0
"""Seconds between two sweeps of a running server."""
IDLE_END = 2 * 3600.0
"""Seconds without anybody connected after which a session ends by itself."""
PRACTICE_IDLE_END = 1800.0
KEPT_AFTER_END = 24 * 3600 * 1000
"""Milliseconds for which a session that ended is there still. Practice is destroyed as soon as it has ended."""
KEPT_UNOPENED = 24 * 3600 * 1000
"""Milliseconds after the time it was planned for (or made, if for none) after which a session that was never opened is
destroyed."""


async def sweep(store: Store, hub: Hub, now: int) -> int:
    """One sweep at `now` (milliseconds since 1970, UTC). Gives the number of sessions that it ended or destroyed."""
    touched = 0
    sessions = await store.sessions()
    hub.remember_only({session.room for session in sessions})
    for session in sessions:
        try:
            if _has_had_its_time(session, now) and await _stays_ended(store, session):
                await _destroy(store, hub, session, now)
                touched += 1
            elif session.open and _idle(hub, session, now) > (PRACTICE_IDLE_END if session.practice else IDLE_END):
                await hub.ask(session.room, SERVER, EndSession())
                touched += 1
        except StoreUnavailable:
            log.warning("sweep_postponed", room=session.room)
    return touched


def _has_had_its_time(session: SessionRow, now: int) -> bool:
    if session.ended_at is not None:
        return session.practice or now - session.ended_at >= KEPT_AFTER_END
    return session.opened_at is None and now - (session.planned_at or session.made_at) >= KEPT_UNOPENED


async def _stays_ended(store: Store, session: SessionRow) -> bool:
    """Whether it cannot be opened any more. One that never was might be in this very moment."""
    await store.call_off(session.session, session.planned_at or session.made_at)
    row = await store.session(session.session)
    return row is None or row.ended_at is not None


def _idle(hub: Hub, session: SessionRow, now: int) -> float:
    """Seconds without anybody connected. A session that nobody has come into yet is no older than itself: the process
    may have been up for days."""
    assert session.opened_at is not None
    return min(hub.idle_for(session.room), (now - session.opened_at) / 1000)


async def _destroy(store: Store, hub: Hub, session: SessionRow, now: int) -> None:
    await store.destroy(session.session, now)
    hub.destroyed(session.room, session.session)
    log.info("session_destroyed", room=session.room, session=session.session, practice=session.practice)


async def tidy(store: Store, hub: Hub) -> None:
    """Look at every ended session once: a process that died before us may have left its log, and a room that is open
    lets go of it ([OR7])."""
    for session in await store.sessions():
        if session.ended_at is not None:
            await hub.look(session.room)


async def keep_sweeping(
    store: Store, hub: Hub, clock: Clock, others: Sequence[Callable[[], Awaitable[None]]] = ()
) -> None:
    """Tidy up, then sweep for as long as the process lives. `others` delete what else is kept for its time only."""
    tidied = False
    while True:
        await clock.sleep(EVERY)
        try:
            if not tidied:
                await tidy(store, hub)
                tidied = True
            await sweep(store, hub, clock.wall())
            for forget in others:
                await forget()
        except StoreUnavailable:
            log.warning("sweep_postponed")
        except Exception as error:
            # A fault of ours must not mean that from now on nothing is ever deleted.
            log.error("sweep_fault", error=type(error).__name__)
