"""Can this browser, on this network, hold a session? Said in words, without signing in; nothing is kept."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from server.pages.rendering import Pages


def routes(pages: Pages) -> list[BaseRoute]:
    async def check(request: Request) -> Response:
        boot = {
            "words": pages.words.for_browser("check."),
            "answer": "/check/answer",
            "socket": "/check/socket",
        }
        return pages.show(request, "check", boot=boot)

    async def answer(request: Request) -> Response:
        return PlainTextResponse("here\n")

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("here")
        await websocket.close()

    return [
        Route("/check", check),
        Route("/check/answer", answer, methods=["GET", "POST"]),
        WebSocketRoute("/check/socket", socket),
    ]
