"""The outer wall: every request and every socket passes here before anything else sees it.

It is plain ASGI and the outermost application, because Starlette's middleware does not see the socket endpoint. Nothing
here believes a request about where it came to: `public_url` is the only truth about host, scheme and origin.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from random import SystemRandom
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import structlog

from rooms.limits import FRAME_BYTES

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

HEADER_BYTES: Final = 16 * 1024
FORM_BYTES: Final = 64 * 1024
BODY_SECONDS: Final = 30.0
"""How long somebody may take to send a body."""
LATER_SECONDS = 0.01
"""Up to how much later, by chance, whatever is not a page is answered. What is refused because it is another person's,
and what is not there at all, differ by microseconds that could be counted."""

LIVE: Final = re.compile(r"/s/(?P<ticket>[A-Za-z0-9_-]{1,64})/live/")
"""Where sockets and polls of one ticket arrive."""

REFUSALS: Final = {
    # code: HTTP status
    "wrong_address": 421,
    "wrong_origin": 403,
    "wrong_proxy": 403,
    "wrong_method": 405,
    "headers_too_large": 431,
    "too_large": 413,
    "too_late": 408,
    "fault": 500,
}
"""Everything that this wall says itself. The sentence to each code comes from the catalogue."""

FORWARDED_FOR: Final = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
FORWARDED_HOST: Final = frozenset({b"x-forwarded-host", b"x-forwarded-server", b"x-original-host", b"x-host"})
METHODS: Final = frozenset({"GET", "HEAD", "POST"})
CHANCE: Final = SystemRandom().random
DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "payment",
        "usb",
    )
)

log = structlog.get_logger("copage.guard")


class _BodyRefused(Exception):
    """The body is too long, or takes too long. `_Body.code` says which."""


class Guard:
    """Refuses what does not come from our own pages at our own address, and puts the security headers on every answer.

    `app` finds the CSP nonce of its answer as text in `scope["copage.nonce"]`.

    Args:
        public_url: scheme, host and, unless it is the usual one, port: the address people use. Without a path.
        proxies: addresses of peers that may say on whose behalf they speak.
        sentence: the sentence, for a person, to a code of `REFUSALS`.
        https_for_good: browsers are told to come by https only from now on.
    """

    def __init__(
        self,
        app: App,
        *,
        public_url: str,
        proxies: Collection[str],
        sentence: Callable[[str], str],
        https_for_good: bool,
    ) -> None:
        self._app = app
        self._sentence = sentence
        self._proxies = frozenset(proxies)
        url = urlsplit(public_url)
        self._scheme = url.scheme
        self._hosts = _ways_to_say(url.netloc.lower(), DEFAULT_PORTS[url.scheme])
        self._origin = origin_of(public_url)
        self._headers = _constant_headers(https_for_good)
        self._socket_source = f"{'wss' if self._scheme == 'https' else 'ws'}://{min(self._hosts, key=len)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            return
        scope["copage.nonce"] = nonce = secrets.token_urlsafe(16)
        answer = _Answer(
            scope, send, [*self._headers, (b"content-security-policy", self._policy(nonce))], self._sentence
        )
        code = self._objection(scope)
        if code is not None:
            log.info("refused", code=code, kind=scope["type"])
            await answer.refuse(code)
            return
        body = _Body(receive, _body_limit(scope))
        answer.overruled = lambda: body.code
        try:
            await self._app(scope, body if scope["type"] == "http" else receive, answer.send)
        except Exception as error:
            if answer.gone:
                return  # Nobody is left to answer, and nothing of ours is wrong.
            if body.code is None:
                log.error("fault", error=type(error).__name__, at=places(error))
            code = body.code or "fault"
            await answer.refuse(code)

    def _objection(self, scope: Scope) -> str | None:
        """The code for which this request or socket is refused, or None."""
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        if sum(len(name) + len(value) + 4 for name, value in headers) > HEADER_BYTES:
            return "headers_too_large"
        if [value.lower() for value in _all(headers, b"host")] not in [[host.encode()] for host in self._hosts]:
            return "wrong_address"
        if self._forged(headers, scope.get("client")):
            return "wrong_proxy"
        method = "GET" if scope["type"] == "websocket" else scope["method"]
        if method not in METHODS:
            return "wrong_method"
        if not self._own_origin(headers, scope, method):
            return "wrong_origin"
        length = _all(headers, b"content-length")
        if length and int(length[0]) > _body_limit(scope):
            return "too_large"
        return None

    def _own_origin(self, headers: Headers, scope: Scope, method: str) -> bool:
        """Whether the request comes from one of our own pages, as far as its kind has to.

        Links from elsewhere have no Origin and may open pages. What changes something, and every socket, must name it.
        A poll is a GET and browsers leave its Origin out, so it carries a header that no foreign page can send.
        """
        origins = _all(headers, b"origin")
        if origins:
            return origins == [self._origin.encode()]
        if scope["type"] == "websocket" or method == "POST":
            return False
        if LIVE.fullmatch(scope["path"]):
            return _all(headers, b"x-copage") == [b"1"]
        return True

    def _forged(self, headers: Headers, peer: tuple[str, int] | None) -> bool:
        """Whether forwarding headers say what cannot be true, or come from somebody who may not send them."""
        trusted = peer is not None and peer[0] in self._proxies
        for name, value in headers:
            if name in FORWARDED_FOR and not trusted:
                return True
            if name in FORWARDED_HOST and not self._all_ours(value, self._hosts):
                return True
            if name == b"x-forwarded-proto" and not self._all_ours(value, {self._scheme}):
                return True
            if name == b"x-forwarded-port" and not self._all_ours(value, {self._port()}):
                return True
            if name == b"forwarded" and not self._forwarded_is_ours(value):
                return True
        return False

    def _all_ours(self, value: bytes, ours: Collection[str]) -> bool:
        return all(part.strip().lower() in ours for part in value.decode("latin-1").split(","))

    def _forwarded_is_ours(self, value: bytes) -> bool:
        for part in re.split("[,;]", value.decode("latin-1").lower()):
            name, _, said = (piece.strip() for piece in part.partition("="))
            if name == "host" and said.strip('"') not in self._hosts:
                return False
            if name == "proto" and said.strip('"') != self._scheme:
                return False
        return True

    def _port(self) -> str:
        return urlsplit(f"//{max(self._hosts, key=len)}").netloc.rpartition(":")[2]

    def _policy(self, nonce: str) -> bytes:
        parts = (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' {self._socket_source}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "manifest-src 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types copage",
        )
        return "; ".join(parts).encode()


class _Answer:
    """The way out: adds the security headers to an answer that is not ours, or gives one of our own.

    `overruled` gives a code as soon as the request has turned out to be one that is refused: whatever the application
    makes of that, our refusal is the answer.
    """

    def __init__(
        self, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]], sentence: Callable[[str], str]
    ) -> None:
        self._kind = scope["type"]
        self._extensions = scope.get("extensions") or {}
        self._send = send
        self._headers = headers
        self._sentence = sentence
        self._begun = False
        self._complete = False
        self.overruled: Callable[[], str | None] = lambda: None
        self.gone = False

    async def send(self, message: Message) -> None:
        """The application's way to answer."""
        if message.get("status", 200) >= 300:
            await asyncio.sleep(LATER_SECONDS * CHANCE())
        code = self.overruled()
        if code is None:
            await self._pass_on(message)
        elif not self._begun:
            await self.refuse(code)

    async def refuse(self, code: str) -> None:
        """Say no in one small text. Once an answer has begun nothing can be said: the connection ends instead."""
        if self._complete:
            return
        if self._begun and self._kind == "http":
            raise ConnectionAbortedError("the answer had begun")
        if self._begun or (self._kind == "websocket" and "websocket.http.response" not in self._extensions):
            await self._pass_on({"type": "websocket.close", "code": 1011 if self._begun else 1008})
            return
        body = f"{self._sentence(code)}\n[{code}]\n".encode()
        prefix = "websocket.http" if self._kind == "websocket" else "http"
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self._pass_on({"type": f"{prefix}.response.start", "status": REFUSALS[code], "headers": headers})
        await self._pass_on({"type": f"{prefix}.response.body", "body": body})

    async def _pass_on(self, message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            message["headers"] = self._with_ours(message.get("headers", ()))
        self._begun = True
        self._complete = kind == "websocket.close" or (kind.endswith(".body") and not message.get("more_body", False))
        try:
            await self._send(message)
        except OSError:
            self.gone = True
            raise

    def _with_ours(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        """Ours cannot be weakened by a page. Only how long something may be kept is the page's to say."""
        theirs = [(name.lower(), value) for name, value in headers]
        said = {name for name, _ in theirs}
        names = {name for name, _ in self._headers}
        kept = [(name, value) for name, value in theirs if name not in names or name == b"cache-control"]
        added = [(name, value) for name, value in self._headers if name != b"cache-control" or name not in said]
        return kept + added


class _Body:
    """A `receive` that counts what comes in, and does not wait for ever for the rest of it."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._complete = False
        self._until: float | None = None
        self.code: str | None = None

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()  # Only the end of the connection can still come, whenever that is.
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.code = "too_late"
            raise _BodyRefused from None
        self._size += len(message.get("body", b""))
        if self._size > self._limit:
            self.code = "too_large"
            raise _BodyRefused
        self._complete = not message.get("more_body", False)
        return message


def _body_limit(scope: Scope) -> int:
    return FRAME_BYTES if LIVE.fullmatch(scope["path"]) else FORM_BYTES


def _constant_headers(https_for_good: bool) -> list[tuple[bytes, bytes]]:
    headers = [
        # With no-referrer, browsers send `Origin: null` with our own forms.
        (b"referrer-policy", b"same-origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", PERMISSIONS.encode()),
        (b"cache-control", b"no-store"),
    ]
    if https_for_good:
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    return headers


def origin_of(public_url: str) -> str:
    """What browsers send as Origin from pages of `public_url`: never with the usual port."""
    url = urlsplit(public_url)
    return f"{url.scheme}://{min(_ways_to_say(url.netloc.lower(), DEFAULT_PORTS[url.scheme]), key=len)}"


def _ways_to_say(authority: str, default_port: str) -> frozenset[str]:
    """The host as browsers and tools write it: the usual port may be there or not."""
    if authority.endswith(f":{default_port}"):
        return frozenset({authority, authority.removesuffix(f":{default_port}")})
    has_port = authority.rpartition("]")[2].count(":") == 1 if authority.startswith("[") else ":" in authority
    return frozenset({authority}) if has_port else frozenset({authority, f"{authority}:{default_port}"})


def _all(headers: Headers, name: bytes) -> list[bytes]:
    return [value for each, value in headers if each == name]


def places(error: BaseException) -> list[str]:
    """Where an error came from, innermost last: files and lines, and no value that somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
