"""What people see over HTTP: one module per part of the site, each with `routes(...)` for what it needs.

`site` puts them together. A GET changes nothing, anywhere.
"""

from __future__ import annotations

import msgspec
from starlette.routing import BaseRoute

from server.clinic import Clinic
from server.content import Content
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
from server.pages import (
    account,
    admin,
    admin_rooms,
    assets,
    check,
    code,
    desk,
    door,
    front,
    health,
    practice,
    room,
    session,
    sign_in,
    start,
    welcome,
)
from server.pages.assets import Assets, AssetsProblem
from server.pages.closing import ClosingPages
from server.pages.desk import Desk
from server.pages.door import Door
from server.pages.opening import Opening
from server.pages.refusals import handlers
from server.pages.rendering import Pages
from server.pages.second_step import SettingUp
from server.pages.signing_in import SigningIn
from server.pages.staff_only import StaffOnly
from server.pages.waiting import Threshold, WaitingPages
from server.ports import Clock, Database, NewId, Store
from server.removals import Removals

__all__ = ["Assets", "AssetsProblem", "Needs", "Pages", "handlers", "site"]


class Needs(msgspec.Struct, frozen=True):
    """What the site is made of."""

    pages: Pages
    clinic: Clinic
    assets: Assets
    content: Content
    database: Database
    store: Store
    hub: Hub
    accounts: Accounts
    keeping: Keeping
    second_steps: SecondSteps
    supervisions: Supervisions
    staff: StaffSessions
    removals: Removals
    start_links: StartLinks
    tickets: Tickets
    invitations: Invitations
    codes: Codes
    gate: Gate
    teams: Teams
    clock: Clock
    new_id: NewId


def site(needs: Needs) -> list[BaseRoute]:
    """All addresses but the sockets'."""
    pages, hub, store, tickets, content = needs.pages, needs.hub, needs.store, needs.tickets, needs.content
    accounts, staff, teams, removals = needs.accounts, needs.staff, needs.teams, needs.removals
    invitations, codes, second_steps, clock = needs.invitations, needs.codes, needs.second_steps, needs.clock
    secure, required = pages.settings.secure, pages.settings.second_step_required
    opening = Opening(store, hub, tickets, invitations, teams, accounts, content, clock, needs.new_id)
    practising = practice.Practice(pages, opening)
    staff_only = StaffOnly(accounts, staff, secure)
    signing_in = SigningIn(staff, staff_only, removals, required, secure)
    setting_up = SettingUp(pages, accounts, second_steps)
    threshold = Threshold(clock)
    at_desk = Desk(hub, tickets, teams, threshold)
    at_door = Door(pages, invitations, opening, accounts)
    waiting = WaitingPages(pages, tickets, store, accounts, content, threshold, clock)
    closing = ClosingPages(pages, store, content)
    return [
        *front.routes(pages),
        *start.routes(pages, needs.start_links, accounts, signing_in, practising),
        *practice.routes(pages, hub, tickets),
        *sign_in.routes(pages, accounts, staff, second_steps, staff_only, signing_in, setting_up),
        *welcome.routes(pages, accounts, signing_in),
        *account.routes(pages, accounts, staff, second_steps, staff_only, setting_up, removals),
        *admin.routes(pages, accounts, needs.keeping, needs.supervisions, staff_only, removals),
        *admin_rooms.routes(pages, accounts, teams, removals, staff_only, needs.clinic, clock),
        *staff_only.nowhere("/admin"),
        *desk.routes(
            *(pages, at_desk, accounts, teams, staff_only, needs.supervisions),
            *(invitations, codes, opening, practising, needs.clinic, clock),
        ),
        *room.routes(
            *(pages, store, hub, at_desk, accounts, teams, tickets, invitations, codes, opening, removals, staff_only)
        ),
        *staff_only.nowhere("/desk"),
        *door.routes(at_door),
        *code.routes(pages, needs.gate, at_door),
        *session.routes(pages, hub, tickets, removals, content, waiting, closing, at_desk, staff.used),
        *check.routes(pages),
        *health.routes(needs.database),
        *assets.routes(needs.assets, needs.content.pictures),
    ]
