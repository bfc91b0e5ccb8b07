"""Who is who: staff accounts and sign-ins, the operator's start link, invitations, and tickets.

A ticket, an invitation or a sign-in is a random text handed out once; what is stored is its hash.
"""

from server.identity.account import Account, AccountProblem, OnFile, StaffRole
from server.identity.accounts import Accounts, Proven, SignInProblem
from server.identity.codes import Codes
from server.identity.codes import shown as shown_code
from server.identity.gate import Gate
from server.identity.invitations import Invitation, Invitations
from server.identity.keeping import Keeping
from server.identity.second_step import SecondSteps
from server.identity.staff import SignIn, StaffSessions, Stage, staff_cookie, still_works
from server.identity.start_links import StartLinks
from server.identity.supervision import Supervisions
from server.identity.teams import LastMember, Member, TeamRoom, Teams
from server.identity.tickets import Arrival, NewTicket, State, Ticket, Tickets, here_cookie, secret_cookie
from server.identity.tokens import digest

__all__ = [
    "Account",
    "AccountProblem",
    "Accounts",
    "Arrival",
    "Codes",
    "Gate",
    "Invitation",
    "Invitations",
    "Keeping",
    "LastMember",
    "Member",
    "NewTicket",
    "OnFile",
    "Proven",
    "SecondSteps",
    "SignIn",
    "SignInProblem",
    "StaffRole",
    "StaffSessions",
    "Stage",
    "StartLinks",
    "State",
    "Supervisions",
    "TeamRoom",
    "Teams",
    "Ticket",
    "Tickets",
    "digest",
    "here_cookie",
    "secret_cookie",
    "shown_code",
    "staff_cookie",
    "still_works",
]
