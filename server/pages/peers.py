"""From which address a request comes."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request


def peer_of(request: Request, proxies: Collection[str]) -> str:
    """The address of whoever asks, or, from one of our own `proxies`, the one on whose behalf it says that it asks.

    Each proxy adds at the end whom it has spoken with; what stands before the last address that is no proxy of ours
    was written by who knows whom.
    """
    peer = request.client.host if request.client is not None else ""
    said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for address in reversed(said):
        if peer not in proxies or not address.strip():
            break
        peer = address.strip()
    return peer
