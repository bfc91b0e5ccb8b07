"""The outer wall of the running product, with requests written byte by byte."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import pytest

from rooms.limits import FRAME_BYTES
from server.guard import BODY_SECONDS, FORM_BYTES, HEADER_BYTES, REFUSALS
from server.serving import HEAD_SECONDS
from tests.conftest import MakeHouse
from tests.house import House
from tests.visitor import Held, Visitor

Headers: TypeAlias = Mapping[str, str | Sequence[str] | None]
"""What a request says differently from an honest one. None: it leaves this out. Several: it says it several times."""

KINDS = ("form", "poll", "post", "socket")


def honest(kind: str, held: Held) -> tuple[str, dict[str, str | Sequence[str] | None], str]:
    """Request line, headers and body as a browser on our own page sends them."""
    url = held.house.url
    headers: dict[str, str | Sequence[str] | None] = {"Host": url.removeprefix("http://"), "Connection": "close"}
    live = f"/s/{held.ticket}/live/?EIO=4&transport="
    match kind:
        case "form":
            body = "login=nobody&password=nothing"
            form = {"Origin": url, "Content-Type": "application/x-www-form-urlencoded"}
            return "POST /sign-in", headers | form, body
        case "poll":
            return f"GET {live}polling", headers | {"X-Copage": "1", "Cookie": held.cookie_header}, ""
        case "post":
            return f"POST {live}polling&sid=none", headers | {"Origin": url, "Cookie": held.cookie_header}, "3"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": url, "Cookie": held.cookie_header}
    return f"GET {live}websocket", headers | upgrade | key, ""


async def say(house: House, request: bytes) -> tuple[int, str]:
    """Send bytes; gives the status of the answer and all of its text. Status 0: the server closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(request)
    answer = b""
    try:
        async with asyncio.timeout(10):
            while piece := await reader.read(65536):
                answer += piece
                if answer.startswith(b"HTTP/1.1 101"):
                    break
    except ConnectionError:
        pass  # It was closed with something of ours unread.
    finally:
        writer.close()
    status = re.match(rb"HTTP/1.1 (\d+)", answer)
    return int(status[1]) if status else 0, answer.decode("latin-1")


async def ask(kind: str, held: Held, different: Headers) -> tuple[int, str]:
    line, headers, body = honest(kind, held)
    headers |= different
    if body:
        headers.setdefault("Content-Length", str(len(body)))
    lines = [f"{line} HTTP/1.1"]
    for name, value in headers.items():
        values = [value] if isinstance(value, str) else value or ()
        lines += [f"{name}: {each}" for each in values]
    return await say(held.house, ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1"))


@pytest.fixture(scope="module")
async def held(desk: Visitor) -> Held:
    worker, _ = await desk.starts_practice()
    return worker


def of(held: Held, text: str) -> str:
    """`PORT` and `HOME` in a variant stand for what is true of this house."""
    return text.replace("HOME", held.house.url).replace("PORT", str(held.house.port))


ORIGINS = (
    "https://example.org",
    "http://example.org:PORT",
    "null",
    "Null",
    "",
    "*",
    "https://127.0.0.1:PORT",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://localhost:PORT",
    "http://127.0.0.1.example.org:PORT",
    "http://127.0.0.1:PORT.example.org",
    "http://example.org#HOME",
    "http://evil@127.0.0.1:PORT",
    "HOME/",
    "HOME HOME",
    "HOME, https://example.org",
    "HOME\t",
    "ws://127.0.0.1:PORT",
    "http://[::1]:PORT",
    "http://0x7f000001:PORT",
    "http://127.1:PORT",
    "file://",
    "chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh",
)
HOSTS = (
    "rebound.example.org",
    "rebound.example.org:PORT",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost:PORT",
    "127.0.0.1:PORT.example.org",
    "127.0.0.1.:PORT",
    "evil@127.0.0.1:PORT",
    "[::1]:PORT",
    "0.0.0.0:PORT",
    "127.1:PORT",
    "",
)
FORGED: tuple[tuple[str, str], ...] = (
    ("X-Forwarded-Host", "example.org"),
    ("X-Forwarded-Host", "127.0.0.1:PORT, example.org"),
    ("X-Forwarded-Host", ""),
    ("X-Forwarded-Server", "example.org"),
    ("X-Original-Host", "example.org"),
    ("X-Host", "example.org"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Proto", "http,https"),
    ("X-Forwarded-Port", "443"),
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Real-IP", "10.0.0.1"),
    ("Forwarded", "for=10.0.0.1"),
    ("Forwarded", "host=example.org"),
    ("Forwarded", 'for=10.0.0.1;host="example.org";proto=https'),
)


def refused(answer: tuple[int, str], code: str) -> bool:
    status, text = answer
    return status == REFUSALS[code] and f"[{code}]" in text


# --- refused ---


@pytest.mark.parametrize("origin", ORIGINS)
async def test_another_origin_is_refused(held: Held, origin: str) -> None:
    if origin.strip() != origin:
        # Blanks around a value are not part of it: the only one here that a server has to read as ours.
        origin = origin.strip() + "/\t"
    for kind in KINDS:
        answer = await ask(kind, held, {"Origin": of(held, origin)})
        assert refused(answer, "wrong_origin"), (kind, answer)


@pytest.mark.parametrize("kind", ["form", "post", "socket"])
async def test_what_changes_something_must_name_its_origin(held: Held, kind: str) -> None:
    assert refused(await ask(kind, held, {"Origin": None}), "wrong_origin")
    assert refused(await ask(kind, held, {"Origin": None, "X-Copage": "1"}), "wrong_origin")
    assert refused(await ask(kind, held, {"Origin": None, "Referer": f"{held.house.url}/"}), "wrong_origin")


@pytest.mark.parametrize("kind", KINDS)
async def test_two_origins_are_refused(held: Held, kind: str) -> None:
    for two in ([held.house.url, "https://example.org"], [held.house.url] * 2):
        answer = await ask(kind, held, {"Origin": two})
        # The library that answers handshakes does not even pass these on.
        assert refused(answer, "wrong_origin") or (kind == "socket" and answer[0] == 400), answer


@pytest.mark.parametrize("said", [None, "", "0", "true", "1, 1", ["1", "1"]])
async def test_a_poll_without_our_header_is_refused(held: Held, said: str | list[str] | None) -> None:
    assert refused(await ask("poll", held, {"X-Copage": said}), "wrong_origin")


@pytest.mark.parametrize("host", HOSTS)
async def test_a_rebound_host_is_refused(held: Held, host: str) -> None:
    for kind in KINDS:
        for origin in ({}, {"Origin": f"http://{of(held, host)}"}):
            answer = await ask(kind, held, {"Host": of(held, host), **origin})
            assert refused(answer, "wrong_address"), (kind, answer)


async def test_no_host_or_two_are_refused(held: Held) -> None:
    ours = held.house.url.removeprefix("http://")
    for host in (None, [ours, "example.org"], [ours, ours]):
        for kind in KINDS:
            status, text = await ask(kind, held, {"Host": host})
            assert status in (400, 421), (kind, host, text)


async def test_a_whole_address_in_the_request_line_does_not_stand_for_the_host(held: Held) -> None:
    request = f"GET {held.house.url}/ HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"
    assert refused(await say(held.house, request.encode()), "wrong_address")


@pytest.mark.parametrize(("name", "value"), FORGED)
async def test_a_forged_forwarding_header_is_refused(held: Held, name: str, value: str) -> None:
    for kind in KINDS:
        answer = await ask(kind, held, {name: of(held, value)})
        assert refused(answer, "wrong_proxy"), (kind, answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
async def test_other_methods_are_refused(held: Held, method: str) -> None:
    request = f"{method} / HTTP/1.1\r\nHost: 127.0.0.1:{held.house.port}\r\nConnection: close\r\n\r\n"
    assert refused(await say(held.house, request.encode()), "wrong_method")


def test_there_are_forty_variants_or_more() -> None:
    print(f"{len(ORIGINS)} origins, {len(HOSTS)} hosts, {len(FORGED)} forwarding headers, each four ways")
    assert len(ORIGINS) + len(HOSTS) + len(FORGED) >= 40


# --- sizes ---


@pytest.mark.parametrize("kind", KINDS)
async def test_a_head_that_is_too_long_is_refused(held: Held, kind: str) -> None:
    status, _ = await ask(kind, held, {"X-Long": "a" * HEADER_BYTES})
    assert status in (0, 431)


async def test_a_head_that_never_ends_is_cut_off(held: Held) -> None:
    endless = b"GET / HTTP/1.1\r\nX-Long: " + b"a" * (8 * HEADER_BYTES)
    status, _ = await say(held.house, endless)
    assert status == 0


async def test_many_requests_behind_one_another_are_refused(held: Held) -> None:
    one = f"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:{held.house.port}\r\n\r\n".encode()
    _, text = await say(held.house, one * 2000)
    assert text.count("HTTP/1.1 200") <= 16


@pytest.mark.parametrize(("kind", "limit"), [("form", FORM_BYTES), ("post", FRAME_BYTES)])
async def test_a_body_that_is_too_long_is_refused(held: Held, kind: str, limit: int) -> None:
    assert refused(await ask(kind, held, {"Content-Length": str(limit + 1)}), "too_large")
    _, opening = await ask("poll", held, {})
    sid = re.search('"sid":"([^"]+)"', opening)
    assert sid is not None
    line, headers, _ = honest(kind, held)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    # Its length is not said beforehand, so it has to be counted.
    chunk = f"{limit + 1:x}\r\n{'a' * (limit + 1)}\r\n0\r\n\r\n"
    request = f"{line.replace('=none', f'={sid[1]}')} HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n{chunk}"
    status, text = await say(held.house, request.encode())
    assert status in (0, 413), text


def test_nobody_may_take_as_long_as_they_like() -> None:
    assert HEAD_SECONDS <= 20
    assert BODY_SECONDS <= 60


# --- accepted ---


@pytest.mark.parametrize("kind", KINDS)
async def test_an_honest_request_comes_through(held: Held, kind: str) -> None:
    status, text = await ask(kind, held, {})
    assert not any(f"[{code}]" in text for code in REFUSALS), text
    assert {"socket": status == 101, "poll": status == 200}.get(kind, status != 0)


async def test_a_poll_with_our_origin_needs_no_header(held: Held) -> None:
    status, _ = await ask("poll", held, {"X-Copage": None, "Origin": held.house.url})
    assert status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Forwarded-Host", "127.0.0.1:PORT"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", "PORT")],
)
async def test_a_forwarding_header_that_says_what_is_true_does_no_harm(held: Held, name: str, value: str) -> None:
    status, _ = await ask("poll", held, {name: of(held, value)})
    assert status == 200


async def test_a_link_from_elsewhere_opens_a_page(held: Held) -> None:
    line = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{held.house.port}\r\nReferer: https://example.org/\r\n"
    status, _ = await say(held.house, f"{line}Connection: close\r\n\r\n".encode())
    assert status == 200


# --- what every answer carries ---


async def test_every_answer_carries_the_headers_that_protect(held: Held) -> None:
    port = held.house.port
    nonces = set()
    for path in ("/", "/nowhere", "/health/live", f"/s/{held.ticket}/live/"):
        line = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Copage: 1\r\nConnection: close\r\n\r\n"
        _, text = await say(held.house, line.encode())
        head = text.partition("\r\n\r\n")[0].lower()
        for name in ("referrer-policy: same-origin", "x-content-type-options: nosniff", "permissions-policy: "):
            assert name in head, path
        assert "cross-origin-opener-policy: same-origin" in head
        assert "cross-origin-resource-policy: same-origin" in head
        assert "cache-control: no-store" in head
        assert "strict-transport-security" not in head
        assert "server:" not in head
        policy = re.search(r"content-security-policy: (.*)\r", text)
        assert policy is not None
        assert "default-src 'none'" in policy[1]
        assert "require-trusted-types-for 'script'" in policy[1]
        assert f"connect-src 'self' ws://127.0.0.1:{port}" in policy[1]
        nonce = re.search("'nonce-([^']+)'", policy[1])
        assert nonce is not None
        nonces.add(nonce[1])
    assert len(nonces) == 4


# --- behind a proxy ---


async def test_behind_a_proxy_only_the_proxy_is_believed(houses: MakeHouse) -> None:
    public = {"COPAGE_PUBLIC_URL": "https://pages.example.org"}
    believed = await houses(**public, COPAGE_PROXIES="127.0.0.1")
    stranger = await houses(**public, COPAGE_PROXIES="127.0.0.2")
    forwarded = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.0.0.1;proto=https\r\n"

    def front(host: str, more: str) -> bytes:
        return f"GET / HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n".encode()

    for host in ("pages.example.org", "pages.example.org:443", "Pages.Example.org"):
        status, text = await say(believed, front(host, forwarded))
        assert status == 200
        assert "strict-transport-security: max-age=" in text.lower()
        assert "wss://pages.example.org" in text
    assert refused(await say(stranger, front("pages.example.org", forwarded)), "wrong_proxy")
    for forged in ("X-Forwarded-Proto: http\r\n", "X-Forwarded-Host: example.org\r\n", "Forwarded: proto=http\r\n"):
        assert refused(await say(believed, front("pages.example.org", forged)), "wrong_proxy")
    assert refused(await say(believed, front(f"127.0.0.1:{believed.port}", "")), "wrong_address")
