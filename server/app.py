"""The product put together: the only place that names concrete adapters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from rooms.packs import PackError
from server import control
from server.account_orders import AccountOrders
from server.bus.memory import MemoryBus, MemoryExchange
from server.certificate import Certificate, certificate_for
from server.clinic import ClinicProblem, load_clinic
from server.clock import SystemClock, new_id
from server.content import load_content
from server.guard import LIVE, App, Guard, Receive, Scope, Send
from server.hub import Hub
from server.identity import (
    Accounts,
    Codes,
    Gate,
    Invitations,
    Keeping,
    SecondSteps,
    StaffSessions,
    StartLinks,
    Supervisions,
    Teams,
    Tickets,
)
from server.pages import Assets, AssetsProblem, Needs, Pages, handlers, site
from server.phone import invitation
from server.removals import Removals
from server.serving import listen, serve
from server.settings import Settings
from server.sockets import Sockets
from server.store.backup import backup
from server.store.opening import Opened, open_sqlite, restore_alone
from server.store.problems import StoreProblem
from server.store.schema import NEWEST
from server.sweep import keep_sweeping, sweep
from server.words import Words, WordsProblem

log = structlog.get_logger("app")

START_PROBLEMS = (StoreProblem, ClinicProblem, AssetsProblem, PackError, WordsProblem, OSError)
"""What stops a start or a command with one line, besides a wrong setting."""


@dataclass(frozen=True, slots=True)
class Copage:
    """The running parts. `asgi` is what a server serves; the rest is for operator commands and tests.

    `routes`: all addresses but the sockets'.
    """

    asgi: App
    routes: Sequence[BaseRoute]
    hub: Hub
    sockets: Sockets
    opened: Opened
    accounts: Accounts
    keeping: Keeping
    removals: Removals
    staff: StaffSessions
    teams: Teams
    start_links: StartLinks
    tickets: Tickets
    clock: SystemClock


@asynccontextmanager
async def create_app(settings: Settings, on_fatal: Callable[[str], None]) -> AsyncIterator[Copage]:
    """Everything, for as long as the block lasts. `on_fatal` is called when the disk cannot be trusted any more: end
    the process.

    Raises:
        START_PROBLEMS: it must not start as things are. Each says in one line what to mend.
    """
    words = Words(settings.language)
    clinic = load_clinic(settings.clinic_file)
    pages = Pages(settings, words, clinic, assets := Assets())
    content = load_content()
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.database.parent.mkdir(parents=True, exist_ok=True)
    async with open_sqlite(settings.database, settings.key_file, new_id, on_fatal) as opened:
        clock = SystemClock()
        database, vault, store = opened.database, opened.vault, opened.store
        tickets = Tickets(database, store.keys, clock, new_id)
        invitations, codes = Invitations(database, vault, clock), Codes(database, vault, clock)
        teams = Teams(database, vault, clock)
        accounts = Accounts(database, vault, clock, new_id)
        keeping = Keeping(database, vault, clock, new_id)
        start_links = StartLinks(database, clock)
        staff = StaffSessions(database, clock, clinic.idle_minutes)
        sockets = Sockets(tickets, settings.public_url, words.at_the_wall)
        bus = MemoryBus(MemoryExchange(), "one")
        hub = Hub(store, bus, sockets, clock, new_id, "one", settings.commands_per_second)
        sockets.use(hub)
        removals = Removals(hub, tickets)
        needs = Needs(
            pages=pages,
            assets=assets,
            content=content,
            database=database,
            store=store,
            hub=hub,
            accounts=accounts,
            keeping=keeping,
            second_steps=SecondSteps(database, vault, clock),
            supervisions=Supervisions(database, clock),
            staff=staff,
            removals=removals,
            start_links=start_links,
            tickets=tickets,
            invitations=invitations,
            codes=codes,
            gate=Gate(codes, clock),
            teams=teams,
            clinic=clinic,
            clock=clock,
            new_id=new_id,
        )
        routes = site(needs)
        starlette = Starlette(routes=routes, exception_handlers=handlers(pages))
        starlette.router.redirect_slashes = False  # It would send links on, with what they hold, by http.
        asgi = Guard(
            _parted(sockets, starlette),
            public_url=settings.public_url,
            proxies=settings.proxies,
            sentence=words.at_the_wall,
            https_for_good=settings.https_for_good,
        )
        hub.start()

        async def end_idle_sign_ins() -> None:
            for hashed in await staff.end_idle():
                await removals.sign_in(hashed)

        others = (
            invitations.forget_old,
            codes.forget_old,
            teams.forget_empty,
            end_idle_sign_ins,
            removals.finish,
        )
        sweeping = asyncio.create_task(keep_sweeping(store, hub, clock, others), name="sweep")
        try:
            yield Copage(
                *(asgi, routes, hub, sockets, opened, accounts, keeping),
                *(removals, staff, teams, start_links, tickets, clock),
            )
        finally:
            sweeping.cancel()
            await sockets.stop()
            await hub.stop()


def _parted(sockets: App, pages: App) -> App:
    """The live endpoint to the sockets, everything else to the pages."""

    async def part(scope: Scope, receive: Receive, send: Send) -> None:
        await (sockets if LIVE.fullmatch(scope["path"]) else pages)(scope, receive, send)

    return part


# --- what the operator's commands do ---


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, and carry out operator commands meanwhile. Raises as `create_app` does."""
    async with create_app(settings, _end_now) as copage:
        certificate = _certificate(settings, copage.clock)
        with listen(settings.host, settings.port) as listening:
            accounts = AccountOrders(copage.accounts, copage.keeping, copage.removals, settings.public_url)
            orders = _orders(settings, copage.opened, copage.hub, copage.start_links, accounts)
            async with await control.listen(settings.control_socket, orders):
                await _greet(settings, copage, certificate)
                await serve(copage.asgi, listening, copage.sockets.stop, certificate.tls if certificate else None)
    settings.control_socket.unlink(missing_ok=True)


async def carry_out_alone(settings: Settings, order: str, arguments: Sequence[str]) -> str:
    """An operator's command while nobody serves; what to print. Raises as `create_app` does, and `ControlProblem`."""
    if order == "restore":
        [source] = arguments
        await restore_alone(settings.database, settings.key_file, Path(source), _end_now)
        return _restored(source)
    async with open_sqlite(settings.database, settings.key_file, new_id, _end_now) as opened:
        clock = SystemClock()
        hub = Hub(opened.store, MemoryBus(MemoryExchange(), "one"), _Nobody(), clock, new_id, "one")
        accounts = AccountOrders(
            Accounts(opened.database, opened.vault, clock, new_id),
            Keeping(opened.database, opened.vault, clock, new_id),
            Removals(hub, Tickets(opened.database, opened.store.keys, clock, new_id)),
            settings.public_url,
        )
        orders = _orders(settings, opened, hub, StartLinks(opened.database, clock), accounts)
        try:
            return await orders[order](arguments)
        finally:
            await hub.stop()


async def migrate(settings: Settings) -> str:
    """Bring the tables up to date; a new database gets its key. The line to print. Raises as `create_app` does."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with open_sqlite(settings.database, settings.key_file, new_id, _end_now):
        return f"The database has the tables of version {NEWEST}."


def _orders(
    settings: Settings, opened: Opened, hub: Hub, start_links: StartLinks, accounts: AccountOrders
) -> control.Orders:
    async def copy(arguments: Sequence[str]) -> str:
        [target] = arguments
        await asyncio.to_thread(backup, settings.database, Path(target))
        return f"Copied to {target}. The key is not in it: keep {settings.key_file} in another place."

    async def restore(arguments: Sequence[str]) -> str:
        [source] = arguments
        await opened.database.restore_from(Path(source), opened.vault)
        hub.reload()
        return _restored(source)

    async def start_link(_: Sequence[str]) -> str:
        return await _start_link(settings, start_links)

    async def sweep_now(_: Sequence[str]) -> str:
        return f"{await sweep(opened.store, hub, SystemClock().wall())} sessions ended or destroyed."

    return {
        "account": accounts.carry_out,
        "backup": copy,
        "restore": restore,
        "start-link": start_link,
        "sweep": sweep_now,
    }


def _restored(source: str) -> str:
    return f"Restored from {source}. Everybody who is connected sees what was kept then."


def _certificate(settings: Settings, clock: SystemClock) -> Certificate | None:
    """With which this server itself serves a phone. For everybody else a proxy has one."""
    if settings.phone is None:
        return None
    now = datetime.fromtimestamp(clock.wall() / 1000, UTC)
    return certificate_for(settings.phone, settings.phone_certificate, now)


async def _greet(settings: Settings, copage: Copage, certificate: Certificate | None) -> None:
    """Tell the operator what to open."""
    if await copage.accounts.exist():
        link = f"{settings.public_url}/sign-in"
        lines = [f"Copage is ready. Sign in at {link}"]
    else:
        link = await _start_link(settings, copage.start_links)
        lines = [f"Copage is ready. Open this link once, in your browser: {link}"]
    if settings.clinic_file is None:
        lines.append("Help now shows no number yet, and times of day are in UTC.")
        lines.append("Fill in a copy of server/clinic.toml and set COPAGE_CLINIC_FILE.")
    if certificate is not None:
        lines += invitation(settings.public_url, link, certificate.fingerprint)
    print(*lines, sep="\n", flush=True)  # noqa: T201  (this is what the operator waits for)


async def _start_link(settings: Settings, start_links: StartLinks) -> str:
    return f"{settings.public_url}/start/{await start_links.make()}"


def _end_now(line: str) -> None:
    """The disk failed: no tidying up, the next start finds what was really written."""
    log.critical("store_failed", problem=line)
    os._exit(3)


class _Nobody:
    """The audience of a process that serves nobody."""

    def tell(self, connections: object, packet: str) -> None:
        pass

    def show(self, connections: object, key: str, packet: str) -> None:
        pass

    def close(self, connection: str, code: str) -> None:
        pass
