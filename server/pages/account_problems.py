"""What is said when something about an account cannot be done."""

from __future__ import annotations

from server.words import N_

PROBLEMS = {
    "login_name": N_("Please choose a name to sign in with: 2 to 40 small letters, digits, dots or hyphens."),
    "login_taken": N_("There is an account with this name already. Please choose another name to sign in with."),
    "shown": N_("Please give a name that people can read. Name and job together have room for 38 letters."),
    "password": N_("Please choose a password of at least 12 letters. Four words in a row are a good one."),
    "roles": N_("Please choose at least one role."),
    "last_admin": N_("This is the only admin who can sign in. Please make another one first."),
    "disabled": N_("This account is disabled. Please let them sign in again first, then reset it."),
    "no_supervision": N_("Please choose one worker and one supervisor. They cannot be the same person."),
    "wrong": N_("That is not the password. Please try again."),
    "wrong_code": N_("That code does not fit now. Please wait for the next one and try again."),
    "slow_down": N_("Please wait a minute, then try again."),
}


def status_of(code: str) -> int:
    """The HTTP status that goes with a problem."""
    return 429 if code == "slow_down" else 422
