"""Who supervises whom, and since when."""

from __future__ import annotations

from collections.abc import Sequence

from server.ports import Clock, Database, Statement


class Supervisions:
    """Pairs of accounts. What has ended stays on file with its end."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def begin(self, supervisor: str, worker: str) -> bool:
        """From now on `supervisor` supervises `worker`. Begun twice it is one. False when that cannot be: the roles do
        not fit, or it is one person."""
        await self._database.write(
            Statement(
                "INSERT INTO supervisions (supervisor, worker, from_at) SELECT $1, $2, $3 "
                "WHERE $1 <> $2 "
                "AND NOT EXISTS (SELECT 1 FROM supervisions WHERE supervisor = $1 AND worker = $2 AND to_at IS NULL) "
                f"AND {_has_role('$1', 'supervisor')} AND {_has_role('$2', 'worker')}",
                (supervisor, worker, self._clock.wall()),
            )
        )
        return worker in await self.workers_of(supervisor)

    async def end(self, supervisor: str, worker: str) -> None:
        """Harmless when it had ended."""
        await self._database.write(
            Statement(
                "UPDATE supervisions SET to_at = $1 WHERE supervisor = $2 AND worker = $3 AND to_at IS NULL",
                (self._clock.wall(), supervisor, worker),
            )
        )

    async def workers_of(self, supervisor: str) -> Sequence[str]:
        """The accounts that `supervisor` supervises now, the one that began first before the others."""
        rows = await self._database.read(
            "SELECT worker FROM supervisions WHERE supervisor = $1 AND to_at IS NULL ORDER BY from_at, worker",
            supervisor,
        )
        return [str(row["worker"]) for row in rows]

    async def supervisors_of(self, worker: str) -> Sequence[str]:
        """The accounts that supervise `worker` now."""
        rows = await self._database.read(
            "SELECT supervisor FROM supervisions WHERE worker = $1 AND to_at IS NULL ORDER BY from_at, supervisor",
            worker,
        )
        return [str(row["supervisor"]) for row in rows]


def _has_role(account: str, role: str) -> str:
    return f"EXISTS (SELECT 1 FROM accounts WHERE id = {account} AND ',' || roles || ',' LIKE '%,{role},%')"
