"""`python -m server`: the operator's commands."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from server import app
from server.clinic import check
from server.control import ControlProblem, ask
from server.serving import run
from server.settings import SettingProblem, Settings, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m server", description="Copage: joint sessions on a shared page.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("serve", help="serve until told to stop")
    commands.add_parser("migrate", help="bring the database to this version's tables")
    backup = commands.add_parser("backup", help="copy the database to a new file, also while serving")
    backup.add_argument("file", type=Path)
    restore = commands.add_parser("restore", help="put a backup in place of the database, also while serving")
    restore.add_argument("file", type=Path)
    clinic = commands.add_parser("check-clinic", help="check the clinic's file of words and decisions")
    clinic.add_argument("file", type=Path, nargs="?")
    commands.add_parser("start-link", help="print a new one-time link: for a first account, or when nobody can get in")
    commands.add_parser("sweep", help="end sessions that nobody is in, destroy what has had its time")
    chosen = parser.parse_args(arguments)
    _log_to_stderr()
    try:
        settings = read_settings(os.environ)
        return _run(chosen, settings)
    except (SettingProblem, ControlProblem, *app.START_PROBLEMS) as problem:
        print(f"copage: {problem}", file=sys.stderr)
        return 2


def _run(chosen: argparse.Namespace, settings: Settings) -> int:
    match chosen.command:
        case "serve":
            run(app.run(settings))
        case "migrate":
            print(asyncio.run(app.migrate(settings)))
        case "check-clinic":
            return _check_clinic(chosen.file or settings.clinic_file)
        case "backup" | "restore":
            print(_order(settings, chosen.command, str(chosen.file.absolute())))
        case order:
            print(_order(settings, order, ""))
    return 0


def _order(settings: Settings, order: str, argument: str) -> str:
    """Carried out by the running server, or here when nobody serves."""
    said = ask(settings.control_socket, order, argument)
    return said if said is not None else asyncio.run(app.carry_out_alone(settings, order, argument))


def _check_clinic(file: Path | None) -> int:
    problems = check(file)
    for problem in problems:
        print(problem)
    if not problems:
        print("The clinic's file is complete.")
    return 1 if problems else 0


def _log_to_stderr() -> None:
    """One JSON object a line: ids, kinds, sizes. The libraries' own logs stay silent below an error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
