"""For the machine that keeps the server running: is it alive, and can it work."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from server.ports import Database, StoreUnavailable

PATIENCE = 2.0
"""Seconds in which the database has to answer."""


def routes(database: Database) -> list[BaseRoute]:
    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        try:
            async with asyncio.timeout(PATIENCE):
                await database.read("SELECT 1 AS one")
        except (StoreUnavailable, TimeoutError):
            return JSONResponse({"status": "not_ready", "why": "database"}, 503)
        return JSONResponse({"status": "ready"})

    return [Route("/health/live", live), Route("/health/ready", ready)]
