"""What people see over HTTP: one module per part of the site, each with `routes(...)` for what it needs.

`site` puts them together. A GET changes nothing, anywhere.
"""

from __future__ import annotations

import msgspec
from starlette.routing import BaseRoute

from server.content import Content
from server.hub import Hub
from server.identity import Accounts, Invitations, StaffSessions, StartLinks, Tickets
from server.pages import assets, check, desk, front, health, join, practice, session, sign_in, start
from server.pages.assets import Assets, AssetsProblem
from server.pages.opening import Opening
from server.pages.refusals import handlers
from server.pages.rendering import Pages
from server.ports import Clock, Database, NewId, Store

__all__ = ["Assets", "AssetsProblem", "Needs", "Pages", "handlers", "site"]


class Needs(msgspec.Struct, frozen=True):
    """What the site is made of."""

    pages: Pages
    assets: Assets
    content: Content
    database: Database
    store: Store
    hub: Hub
    accounts: Accounts
    staff: StaffSessions
    start_links: StartLinks
    tickets: Tickets
    invitations: Invitations
    clock: Clock
    new_id: NewId


def site(needs: Needs) -> list[BaseRoute]:
    """All addresses but the sockets'."""
    pages, hub, tickets = needs.pages, needs.hub, needs.tickets
    accounts, staff, invitations = needs.accounts, needs.staff, needs.invitations
    opening = Opening(needs.store, hub, tickets, needs.content, needs.clock, needs.new_id)
    practising = practice.Practice(pages, opening)
    return [
        *front.routes(pages),
        *start.routes(pages, needs.start_links, accounts, staff, practising),
        *practice.routes(pages, hub, tickets),
        *sign_in.routes(pages, accounts, staff),
        *desk.routes(pages, needs.store, hub, accounts, staff, tickets, invitations, opening, practising, needs.new_id),
        *join.routes(pages, invitations, opening),
        *session.routes(pages, hub, tickets, opening, needs.content),
        *check.routes(pages),
        *health.routes(needs.database),
        *assets.routes(needs.assets),
    ]
