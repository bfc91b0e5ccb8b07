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
from server.identity import StaffRole
from server.phone import PhoneProblem, own_address
from server.serving import run
from server.settings import SettingProblem, Settings, for_phone, read_settings

ROLES = tuple(StaffRole)
CHANGES = {
    "reset": "a new one-time link; password, second step and sign-ins end at once",
    "disable": "from now on it opens nothing",
    "enable": "it can be used again",
    "roles": "give it other roles",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m server", description="Copage: joint sessions on a shared page.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    serve = commands.add_parser("serve", help="serve until told to stop; --phone lets a phone beside this machine in")
    serve.add_argument(
        "--phone", action="store_true", help="listen on the local network, with a certificate made here: to try it only"
    )
    commands.add_parser("migrate", help="bring the database to this version's tables")
    backup = commands.add_parser("backup", help="copy the database to a new file, also while serving")
    backup.add_argument("file", type=Path)
    restore = commands.add_parser("restore", help="put a backup in place of the database, also while serving")
    restore.add_argument("file", type=Path)
    clinic = commands.add_parser("check-clinic", help="check the clinic's file of words and decisions")
    clinic.add_argument("file", type=Path, nargs="?")
    commands.add_parser("start-link", help="print a new one-time link: for a first account, or when nobody can get in")
    commands.add_parser("sweep", help="end sessions that nobody is in, destroy what has had its time")
    _add_account(commands.add_parser("account", help="staff accounts: what admins do on their page"))
    chosen = parser.parse_args(arguments)
    _log_to_stderr()
    try:
        settings = _settings(chosen)
        return _run(chosen, settings)
    except (SettingProblem, PhoneProblem, ControlProblem, *app.START_PROBLEMS) as problem:
        print(f"copage: {problem}", file=sys.stderr)
        return 2


def _settings(chosen: argparse.Namespace) -> Settings:
    if chosen.command == "serve" and chosen.phone:
        return for_phone(os.environ, own_address())
    return read_settings(os.environ)


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
        case "account":
            print(_order(settings, "account", *_account_arguments(chosen)))
        case order:
            print(_order(settings, order))
    return 0


def _order(settings: Settings, order: str, *arguments: str) -> str:
    """Carried out by the running server, or here when nobody serves."""
    said = ask(settings.control_socket, order, *arguments)
    return said if said is not None else asyncio.run(app.carry_out_alone(settings, order, arguments))


def _add_account(account: argparse.ArgumentParser) -> None:
    actions = account.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("list", help="all accounts")
    invite = actions.add_parser("invite", help="a new account, and the one-time link for its person")
    invite.add_argument("--name", required=True, help="the name that people see")
    invite.add_argument("--job", default="", help="for example: nurse")
    invite.add_argument("--role", required=True, action="append", choices=ROLES, dest="roles", metavar="ROLE")
    for action, does in CHANGES.items():
        changing = actions.add_parser(action, help=does)
        changing.add_argument("login", help="the name to sign in with; the id while there is none")
        if action == "roles":
            changing.add_argument("roles", nargs="+", choices=ROLES, metavar="ROLE")


def _account_arguments(chosen: argparse.Namespace) -> Sequence[str]:
    """As `AccountOrders` takes them."""
    match chosen.action:
        case "list":
            return ["list"]
        case "invite":
            return ["invite", chosen.name, chosen.job, *chosen.roles]
        case "roles":
            return ["roles", chosen.login, *chosen.roles]
        case action:
            return [action, chosen.login]


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
