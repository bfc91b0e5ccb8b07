"""Operator commands that write are carried out by the running server, over a socket that only its own user can open.

One JSON object a line each way: `{"do": "backup", "with": ["…"]}` → `{"said": "…"}` or `{"problem": "…"}`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger("control")

LINE_BYTES = 16 * 1024
Orders = Mapping[str, Callable[[Sequence[str]], Awaitable[str]]]
"""Name of an operator's command → what carries it out; given its arguments, it answers with what to print."""


class ControlProblem(Exception):
    """A command was refused or went wrong. The text is one line for the operator."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    do: str
    arguments: tuple[str, ...] = msgspec.field(default=(), name="with")


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    said: str = ""
    problem: str = ""


async def listen(path: Path, orders: Orders) -> asyncio.Server:
    """Carry out orders until the returned server is closed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            order = msgspec.json.decode(await reader.readline(), type=Order)
            writer.write(msgspec.json.encode(await _carry_out(orders, order)) + b"\n")
            await writer.drain()
        except (msgspec.MsgspecError, ValueError, ConnectionError):
            log.warning("control_line_refused")
        finally:
            writer.close()

    path.unlink(missing_ok=True)  # The database's lock says that no other server is alive.
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _short(path) as name:
            listening.bind(name)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return await asyncio.start_unix_server(answer, sock=listening, limit=LINE_BYTES)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for the socket at `path` that fits into the 107 bytes a socket's name may have on Linux."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def _carry_out(orders: Orders, order: Order) -> Said:
    known = orders.get(order.do)
    if known is None:
        return Said(problem=f"no command {order.do!r}")
    try:
        return Said(said=await known(order.arguments))
    except Exception as error:
        log.warning("control_problem", order=order.do, error=type(error).__name__)
        return Said(problem=str(error) or type(error).__name__)


def ask(path: Path, order: str, *arguments: str) -> str | None:
    """Have the running server do something; None when no server is running.

    Raises:
        ControlProblem: it was refused or went wrong.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            with _short(path) as name:
                connection.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        connection.sendall(msgspec.json.encode(Order(order, arguments)) + b"\n")
        line = connection.makefile("rb").readline()
    said = msgspec.json.decode(line, type=Said) if line else Said(problem="the server went away")
    if said.problem:
        raise ControlProblem(said.problem)
    return said.said
