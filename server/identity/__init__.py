"""Who is who: staff accounts and sign-ins, the operator's start link, invitations, and tickets.

A ticket, an invitation or a sign-in is a random text handed out once; what is stored is its hash.
"""

from server.identity.accounts import Account, AccountProblem, Accounts, SignInProblem
from server.identity.invitations import Invitation, Invitations
from server.identity.staff import STAFF_COOKIE, StaffSessions
from server.identity.start_links import StartLinks
from server.identity.tickets import NewTicket, Ticket, Tickets, here_cookie, secret_cookie

__all__ = [
    "STAFF_COOKIE",
    "Account",
    "AccountProblem",
    "Accounts",
    "Invitation",
    "Invitations",
    "NewTicket",
    "SignInProblem",
    "StaffSessions",
    "StartLinks",
    "Ticket",
    "Tickets",
    "here_cookie",
    "secret_cookie",
]
