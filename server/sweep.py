"""Ends sessions that nobody is in, and destroys what has had its time: [SE5], [SE6]."""

from __future__ import annotations

import structlog

from rooms import SERVER, EndSession, Refusal
from server.hub import Hub
from server.ports import Clock, OpenSessionRow, Store, StoreUnavailable

log = structlog.get_logger("sweep")

EVERY = 60.0
"""Seconds between two sweeps of a running server."""
IDLE_END = 2 * 3600.0
"""Seconds without anybody connected after which a session ends by itself."""
PRACTICE_IDLE_END = 1800.0
KEPT_AFTER_END = 24 * 3600 * 1000
"""Milliseconds for which a session that ended is there still. Practice is destroyed as soon as it has ended."""


async def sweep(store: Store, hub: Hub, now: int) -> int:
    """One sweep at `now` (milliseconds since 1970, UTC). Gives the number of sessions that it ended or destroyed."""
    touched = 0
    for session in await store.sessions():
        try:
            if session.ended_at is not None:
                touched += await _destroy_if_due(store, hub, session, session.ended_at, now)
            elif _idle(hub, session, now) > (PRACTICE_IDLE_END if session.practice else IDLE_END):
                await _end(store, hub, session)
                touched += 1
        except StoreUnavailable:
            log.warning("sweep_postponed", room=session.room)
    return touched


def _idle(hub: Hub, session: OpenSessionRow, now: int) -> float:
    """Seconds without anybody connected. A session that nobody has come into yet is no older than itself: the process
    may have been up for days."""
    return min(hub.idle_for(session.room), (now - session.opened_at) / 1000)


async def _end(store: Store, hub: Hub, session: OpenSessionRow) -> None:
    outcome = await hub.ask(session.room, SERVER, EndSession())
    if outcome == Refusal("no_session"):
        # The process died between making the room and opening the session in it: nothing can be ended, or lost.
        await _destroy(store, hub, session)


async def _destroy_if_due(store: Store, hub: Hub, session: OpenSessionRow, ended_at: int, now: int) -> int:
    if not session.practice and now - ended_at < KEPT_AFTER_END:
        return 0
    await _destroy(store, hub, session)
    return 1


async def _destroy(store: Store, hub: Hub, session: OpenSessionRow) -> None:
    await store.destroy(session.room)
    hub.destroyed(session.room)
    log.info("session_destroyed", room=session.room, practice=session.practice)


async def tidy(store: Store, hub: Hub) -> None:
    """Look at every ended session once: a process that died before us may have left its log, and a room that is open
    lets go of it ([OR7])."""
    for session in await store.sessions():
        if session.ended_at is not None:
            await hub.look(session.room)


async def keep_sweeping(store: Store, hub: Hub, clock: Clock) -> None:
    """Tidy up, then sweep for as long as the process lives."""
    tidied = False
    while True:
        await clock.sleep(EVERY)
        try:
            if not tidied:
                await tidy(store, hub)
                tidied = True
            await sweep(store, hub, clock.wall())
        except StoreUnavailable:
            log.warning("sweep_postponed")
        except Exception as error:
            # A fault of ours must not mean that from now on nothing is ever deleted.
            log.error("sweep_fault", error=type(error).__name__)
