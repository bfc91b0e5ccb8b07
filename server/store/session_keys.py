"""The keys of the sessions, unwrapped and at hand: each is read once, and forgotten with its session."""

from __future__ import annotations

from collections import OrderedDict
from typing import cast

from server.ports import Database
from server.store.vault import Seal, Vault

REMEMBERED = 4096


class SessionKeys:
    """A session's key never changes, so it is remembered until the session is destroyed."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._keys: OrderedDict[str, Seal] = OrderedDict()

    def new(self, room: str, session: str) -> bytes:
        """A fresh key for a session that is about to be made; gives the wrapped form that is kept beside it."""
        _, wrapped = self._vault.new_key(room, session)
        return wrapped

    async def of(self, session: str) -> Seal | None:
        """The key of a session; None when there is no such session (any more)."""
        key = self._keys.get(session)
        if key is not None:
            self._keys.move_to_end(session)
            return key
        rows = await self._database.read("SELECT room, key FROM sessions WHERE id = $1", session)
        if not rows:
            return None
        key = self._vault.unwrap(cast(bytes, rows[0]["key"]), str(rows[0]["room"]), session)
        self._keys[session] = key
        if len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return key

    def forget(self, session: str) -> None:
        self._keys.pop(session, None)
