"""The browser's pure modules, run in Node: the stories are in the `.test.ts` files beside this one."""

from __future__ import annotations

import os
import re
import subprocess
import zlib
from pathlib import Path

from rooms.limits import COMMANDS_IN_FLIGHT

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client_templates"


def test_the_client_modules_keep_their_promises() -> None:
    """[VW2] among them: the browser folds every golden example into the same view as Python."""
    subprocess.run(["node", "build.mjs", "--node"], cwd=CLIENT, check=True)
    stories = sorted(CLIENT.glob("built/node/*.test.mjs"))
    assert len(stories) == len(list(Path(__file__).parent.glob("*.test.ts")))
    crc = zlib.crc32("Zoë 🌻".encode())
    run = subprocess.run(
        ["node", "--test", "--test-reporter=tap", *stories],
        env={**os.environ, "COPAGE_GOLDEN": str(ROOT / "tests" / "golden"), "COPAGE_CRC_OF_ZOE": str(crc)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert counted(run.stdout, "pass") >= 40
    assert counted(run.stdout, "fail") == counted(run.stdout, "skipped") == counted(run.stdout, "todo") == 0


def test_the_client_keeps_as_many_commands_unanswered_as_was_promised() -> None:
    found = re.findall(r"^export const IN_FLIGHT = (\d+);$", (CLIENT / "src/outbox.ts").read_text(), re.MULTILINE)
    assert found == [str(COMMANDS_IN_FLIGHT)]


def counted(report: str, what: str) -> int:
    found = re.search(rf"^# {what} (\d+)$", report, re.MULTILINE)
    assert found, report
    return int(found[1])
