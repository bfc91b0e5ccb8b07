"""python-socketio as its guide shows it: who points is relayed to the others of the room. `python relay.py PORT`."""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*", transports=["websocket"])
rooms: dict[str, str] = {}


@server.event  # type: ignore[untyped-decorator]  # the library carries no types
async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> None:
    rooms[sid] = auth["room"]
    await server.enter_room(sid, auth["room"])


@server.event  # type: ignore[untyped-decorator]  # the library carries no types
async def point(sid: str, data: dict[str, Any]) -> None:
    await server.emit("pointed", {"by": sid, **data}, room=rooms[sid], skip_sid=sid)


if __name__ == "__main__":
    uvicorn.run(
        socketio.ASGIApp(server), port=int(sys.argv[1]), log_level="warning", loop="uvloop", ws="websockets-sansio"
    )
