"""From which address a request comes: only our own proxies are believed about it."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from server.pages.peers import peer_of

PROXY, INNER, SAM, EVE = "10.0.0.1", "10.0.0.2", "192.0.2.7", "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "said", "believed"),
    [
        (SAM, [], SAM),
        (EVE, [SAM], EVE),
        (PROXY, [SAM], SAM),
        (PROXY, [f"{SAM}, {EVE}"], EVE),
        (PROXY, [SAM, EVE], EVE),
        (PROXY, [f"{SAM}, {INNER}"], SAM),
        (PROXY, [], PROXY),
        (PROXY, [""], PROXY),
    ],
)
def test_a_proxy_says_for_whom_it_asks(peer: str, said: list[str], believed: str) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in said]
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers, "client": (peer, 40_000)})
    assert peer_of(request, {PROXY, INNER}) == believed
