"""WebSocket frames and HTTP requests made by hand, as no library would make them."""

from __future__ import annotations

import asyncio
import re
import socket
import struct

from tests.visitor import Held

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9


def frame(payload: bytes, opcode: int = TEXT, *, last: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """One frame of a client."""
    head = bytes([(0x80 if last else 0) | reserved | opcode])
    size = len(payload)
    mark = 0x80 if masked else 0
    if size < 126:
        head += bytes([mark | size])
    elif size < 65536:
        head += bytes([mark | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mark | 127]) + struct.pack("!Q", size)
    # A mask of zeros is a mask too, and leaves the payload as it is.
    return head + (b"\0\0\0\0" if masked else b"") + payload


class RawSocket:
    """A WebSocket whose frames are written by hand. `received` is what was read, as it came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.received = b""

    @classmethod
    async def open(cls, held: Held, read_buffer: int = 0) -> RawSocket:
        """Open one to the live endpoint, at most as far as the 101.

        Raises:
            ConnectionRefusedError: with the status.
        """
        raw = socket.socket()
        if read_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", held.house.port))
        reader, writer = await asyncio.open_connection(
            sock=raw,
            limit=2048 if read_buffer else 65536,
            ssl=held.house.trust,
            server_hostname="127.0.0.1" if held.house.phone else None,
        )
        head = (
            f"GET /s/{held.ticket}/live/?EIO=4&transport=websocket HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{held.house.port}\r\nOrigin: {held.house.url}\r\nCookie: {held.cookie_header}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\n\r\n"
        )
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101"):
            writer.close()
            raise ConnectionRefusedError(answer[9:12].decode())
        return cls(reader, writer)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()

    def send(self, packet: str | bytes) -> None:
        payload = packet.encode() if isinstance(packet, str) else packet
        self.write(frame(payload, TEXT if isinstance(packet, str) else BINARY))

    async def until_closed(self, seconds: float = 20) -> None:
        """Read until the server ends the connection."""
        try:
            async with asyncio.timeout(seconds):
                while piece := await self._reader.read(65536):
                    self.received += piece
        except ConnectionError:
            pass  # Cut, with something of ours unread.
        finally:
            self.close()

    def close(self) -> None:
        self._writer.transport.abort()


KEY = "dGhlIHNhbXBsZSBub25jZQ=="


async def request(held: Held, method: str, query: str, body: bytes = b"") -> tuple[int, bytes]:
    """One request to the live endpoint, by itself; gives status and whole answer. Status 0: cut."""
    head = (
        f"{method} /s/{held.ticket}/live/?EIO=4&transport=polling{query} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{held.house.port}\r\nOrigin: {held.house.url}\r\nCookie: {held.cookie_header}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", held.house.port)
    answer = b""
    try:
        writer.write(head.encode() + body)
        async with asyncio.timeout(20):
            answer = await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
    status = re.match(rb"HTTP/1.1 (\d+)", answer)
    return int(status[1]) if status else 0, answer


async def open_by_polling(held: Held) -> str:
    """The `sid` of a new polling connection."""
    _, answer = await request(held, "GET", "")
    sid = re.search(rb'"sid":"([^"]+)"', answer)
    assert sid is not None, answer
    return sid[1].decode()
