"""Operator commands reach the running server, and nobody else's do."""

from __future__ import annotations

import asyncio
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from server.control import ControlProblem, ask, listen


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a client that knows no way round the limit."""
    with tempfile.TemporaryDirectory(prefix="copage-") as name:
        yield Path(name)


async def test_the_server_carries_out_an_order_and_says_what_it_did(tmp_path: Path) -> None:
    async def greet(arguments: Sequence[str]) -> str:
        return f"kept as {' '.join(arguments)}"

    path = tmp_path / "control.sock"
    async with await listen(path, {"backup": greet}):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await asyncio.to_thread(ask, path, "backup", "b.db", "now") == "kept as b.db now"


async def test_a_problem_comes_back_as_one_line(tmp_path: Path) -> None:
    async def refuse(arguments: Sequence[str]) -> str:
        raise ControlProblem("that is not a backup")

    path = tmp_path / "control.sock"
    async with await listen(path, {"restore": refuse}):
        with pytest.raises(ControlProblem, match="that is not a backup"):
            await asyncio.to_thread(ask, path, "restore", "b.db")
        with pytest.raises(ControlProblem, match="no command"):
            await asyncio.to_thread(ask, path, "dance")


async def test_bad_bytes_on_the_socket_change_nothing(folder: Path) -> None:
    asked: list[Sequence[str]] = []

    async def note(arguments: Sequence[str]) -> str:
        asked.append(arguments)
        return "done"

    path = folder / "control.sock"
    async with await listen(path, {"sweep": note}):
        for bad in (b"", b"\n", b"{\n", b"\xff\xfe\n", b'{"do": "sweep", "extra": 1}\n', b"x" * 100_000 + b"\n"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(bad)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
        assert asked == []
        assert await asyncio.to_thread(ask, path, "sweep") == "done"


def test_nobody_serving_is_told_apart_from_a_refusal(tmp_path: Path) -> None:
    assert ask(tmp_path / "control.sock", "sweep") is None


async def test_a_folder_with_a_long_path_has_its_socket_too(tmp_path: Path) -> None:
    async def greet(arguments: Sequence[str]) -> str:
        return "done"

    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    async with await listen(folder / "control.sock", {"sweep": greet}):
        assert await asyncio.to_thread(ask, folder / "control.sock", "sweep") == "done"
