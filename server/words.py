"""What is said to people, in their language. Programs know codes; the sentence is made here, at the edge.

English stands in the source itself as the catalogue's keys; `N_` marks a text for the catalogue without translating it.
"""

from __future__ import annotations

import re
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

import jinja2

LOCALE = Path(__file__).parent.parent / "client_templates" / "locale"
DOMAIN = "copage"
SOURCE = "en"
PSEUDO = "qps"
"""The language of tests: every text of the catalogue, with every letter changed, so that what is not in it shows."""


class WordsProblem(Exception):
    """There is no such language. One line for the operator."""


def N_(message: str) -> str:
    """Mark a text for the catalogue; it is translated when it is said. Tools look for a function of this name."""
    return message


class Words:
    """Everything in one language."""

    def __init__(self, language: str) -> None:
        """Raises `WordsProblem` when there is no catalogue for `language`."""
        self.language = SOURCE if language == PSEUDO else language
        self.translations = _translations(language)

    def __call__(self, message: str, **values: object) -> str:
        """A text of the catalogue, with `%(name)s` places filled."""
        said = self.translations.gettext(message)
        return said % values if values else said

    def refusal(self, code: str) -> str:
        """What somebody reads instead of `code` (`wire.REFUSALS`): what to do next, without blame."""
        return self(REFUSAL_WORDS[code])

    def goodbye(self, code: str) -> str:
        """What somebody reads when the server closes with `code` (`wire.GOODBYES`)."""
        return self(GOODBYE_WORDS[code])

    def at_the_wall(self, code: str) -> str:
        """What is said to requests and sockets that come no further than the wall (`guard`, `sockets`)."""
        return self(WALL_WORDS[code])

    def for_browser(self, *beginnings: str) -> dict[str, str]:
        """The part that the page's script needs, by key; only keys with one of `beginnings`, if any are given."""
        wanted = (key for key in CLIENT_WORDS if not beginnings or key.startswith(beginnings))
        return {key: self(CLIENT_WORDS[key]) for key in wanted}

    def install(self, environment: jinja2.Environment) -> None:
        """Let templates of `environment` speak this language."""
        environment.add_extension("jinja2.ext.i18n")
        environment.install_gettext_translations(  # type: ignore[attr-defined]  # added by the extension
            self.translations, newstyle=True
        )


def _translations(language: str) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    if language == PSEUDO:
        return PseudoTranslations()
    if not re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*", language):
        raise WordsProblem("COPAGE_LANGUAGE must be like en or de")
    try:
        with (LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
            return GNUTranslations(file)
    except FileNotFoundError:
        raise WordsProblem(f"COPAGE_LANGUAGE is {language}, and there is no catalogue for it") from None


class PseudoTranslations(NullTranslations):
    """Every letter wears an accent or stands on its head; places to fill stay as they are."""

    def gettext(self, message: str) -> str:
        return "«" + "".join(_changed(piece) for piece in _PLACES.split(message)) + "»"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


_PLACES = re.compile(r"(%\(\w+\)s|\{\w+\})")
_LETTERS = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "áƀčđéƒǧĥíĵķłɱñóƥʠřšťúṽŵẋýžÁßČÐÉƑǦĤÍĴĶŁṀÑÓƤɊŘŠŤÚṼŴẊÝŽ",
)


def _changed(piece: str) -> str:
    return piece if _PLACES.fullmatch(piece) else piece.translate(_LETTERS)


REFUSAL_WORDS = {
    "not_here": N_("You are not in this session any more. Please open your link again, or ask for a new one."),
    "not_allowed": N_("That is for the worker in this session to do. Please ask them."),
    "no_session": N_("The session has not started yet. Please wait a moment."),
    "session_ended": N_("The session has ended. You do not need to do anything."),
    "left": N_("You have left this session. Ask for a new link to come back."),
    "not_your_window": N_("Please load this page again, then try once more."),
    "came_to_nothing": N_("That did not happen. Please try again."),
    "session_open": N_("This session is open already. Please go in from your desk."),
    "unknown_page": N_("That page is not part of this session. Please choose another one."),
    "unknown_person": N_("This person is not in the session. Please load this page again."),
    "not_agreed": N_("Everybody in the session has to agree to that first. Please ask them."),
    "name_unreadable": N_("Please give a name that others can read, with at most 40 letters."),
    "name_taken": N_("There is a person with that name here already. Please choose another name, or add a letter."),
    "full": N_("There is no more room in this session. Please call the person who gave you the link."),
    "alone": N_("The notes are for writing together. You can write here when the other person is here."),
    "notes_full": N_("There is no more room here. Please shorten what is there, or go on in another box."),
    "already_back": N_("That is in the notes again already."),
    "not_your_words": N_("That is for the person who wrote it to decide."),
    "taken_over": N_("Another window of yours writes on here. Please load this page again."),
    "gap": N_("It is taking a little longer. Please try again."),
    "malformed": N_("That did not work. Please load this page again."),
    "too_fast": N_("That was a lot at once. Please wait a moment, then try again."),
    "busy": N_("It is taking a little longer. Please try again."),
}

WALL_WORDS = {
    "wrong_address": N_("This is not the address of this page. Please use the link you were given."),
    "wrong_origin": N_("This was sent from another page. Please open the link you were given, and try there."),
    "wrong_proxy": N_("The way to this server is not set up yet. Please tell your clinic."),
    "wrong_method": N_("This page cannot be used in that way. Please open the link you were given."),
    "headers_too_large": N_("Your browser sent more than we can take. Please delete its cookies for this page."),
    "too_large": N_("That was more than we can take at once. Please make it shorter."),
    "too_late": N_("That took too long to arrive. Please try again."),
    "fault": N_("Something here is not working. It is not your doing. Please try again in a moment."),
    "no_ticket": N_("This session is not open in this browser. Please open your link again, or ask for a new one."),
    "other_ticket": N_("This session is not open in this browser. Please open your link again, or ask for a new one."),
    "unknown_sid": N_("The connection was lost. This page comes back by itself."),
    "bad_request": N_("That did not work. Please load this page again."),
    "too_many": N_("This session is open in many windows. Please close some of them, then try again."),
    "busy": N_("It is taking a little longer. Please try again in a moment."),
}

GOODBYE_WORDS = {
    "malformed": N_("That did not work. Please load this page again."),
    "too_fast": N_("That was a lot at once. Please wait a moment, then try again."),
    "too_slow": N_("The connection was too slow for a moment. This page tries again by itself."),
    "busy": N_("It is taking a little longer. Please try again."),
    "shutting_down": N_("We are starting again. This page comes back by itself."),
    "left": N_("You have left."),
    "removed": N_("You are not in this session any more."),
    "session_ended": N_("The session has ended."),
    "other_version": N_("This page has changed. Please load it again."),
}

CLIENT_WORDS = {
    "connection.connecting": N_("Connecting…"),
    "connection.live": N_("Connected"),
    "connection.not_connected": N_("Not connected. This page tries again by itself."),
    "connection.ended": N_("The session has ended."),
    "connection.left": N_("You have left."),
    "connection.removed": GOODBYE_WORDS["removed"],
    "connection.other_version": N_("This page has changed. Please load it again."),
    "person.you": N_("{name} (you)"),
    "person.here": N_("here"),
    "person.away": N_("not connected"),
    "person.elsewhere": N_("doing something else on their device"),
    "person.alone": N_("looking on their own"),
    "person.left": N_("has left"),
    "person.came_in": N_("{name} came in."),
    "person.not_them": N_("This is not {name}"),
    "person.not_them_about": N_(
        "If this is not {name}, take this person out. To come back, they need a new link from you."
    ),
    "person.take_out": N_("Take this person out"),
    "person.taking_out": N_("Taking {name} out of the session…"),
    "person.taken_out": N_("{name} is not in the session any more."),
    "page.turned_by": N_("{name} opened “{title}”."),
    "page.waiting": N_("The page is on its way…"),
    "page.not_loaded": N_("The page has not come yet. Trying again by itself."),
    "alone.now": N_("You are looking on your own now. Nobody is told where."),
    "alone.page_is": N_("You are looking on your own. The others have “{title}”."),
    "alone.they_are_at": N_("You are looking on your own. {name} has “{title}”."),
    "alone.go": N_("Go along again"),
    "alone.go_with": N_("Go with {name}"),
    "card.turned": N_("{name} opened “{title}”."),
    "card.go": N_("Go there"),
    "card.stay": N_("Stay here"),
    "card.always": N_("Always ask me"),
    "card.always_now": N_("You stay here. From now on you are always asked first."),
    "mark.here": N_("{name} is here"),
    "mark.above": N_("{name} is further up. Go there"),
    "mark.below": N_("{name} is further down. Go there"),
    "point.at": N_("You point at: “{words}”"),
    "point.elsewhere": N_("{name} points at something that is out of sight. Go there"),
    "point.nowhere": N_("Nobody points at this page now."),
    "point.seen": N_("{name} sees it"),
    "point.sent": N_("Sent"),
    "point.where": N_("{name} points at: “{words}”"),
    "suggest.card": N_("{name} suggests “{title}”."),
    "suggest.more": N_("{name} suggests “{title}”. After it there is more to see."),
    "suggest.open": N_("Open it together"),
    "suggest.not_now": N_("Not now"),
    "suggest.mine": N_("You suggested “{title}”."),
    "suggest.take_back": N_("Take it back"),
    "suggest.done": N_("You suggested “{title}”. The others see it."),
    "reading.begin": N_("Read together"),
    "reading.stop": N_("Stop reading together"),
    "reading.on": N_("You read at the same place as {name}."),
    "reading.asked_by": N_("{name} would like to read together. Then you are both at the same place."),
    "reading.yes": N_("Yes, read together"),
    "reading.no": N_("Not now"),
    "move.dropped": N_("There was no connection, so the page was not opened. Please choose it again."),
    "leave.done": N_("You have left."),
    "leave.not_told": N_("You have left on this device. The others will be told as soon as there is a connection."),
    "end.sending": N_("Ending the session for everyone…"),
    "desk.one_waits": N_("One person waits at your desk."),
    "desk.some_wait": N_("{count} people wait at your desk."),
    "waiting.no_answer": N_("There is no connection at the moment. This page tries again by itself."),
    "notes.saved": N_("Saved"),
    "notes.saving": N_("Saving…"),
    "notes.kept_here": N_("Not connected. Your words are kept on this device, and sent later."),
    "notes.not_kept": N_("Not connected. Nothing is kept on this device: please leave this page open."),
    "notes.left": N_("There is room for about {count} more letters."),
    "notes.full": N_("This box is full. Please go on in another one."),
    "notes.writing_here": N_("{name} is writing here"),
    "notes.writing_in": N_("{name} is writing in “{box}”."),
    "notes.alone": N_("You can write here as soon as the person you meet is here."),
    "notes.gone": N_("{name} has left. You can read the notes. You cannot change them now."),
    "notes.away": N_("{name} is not connected, and will see this when back."),
    "notes.away_long": N_("{name} has been away for a while. You can write again when {name} is back."),
    "notes.passage": N_("From “{box}”. Written by {writers}. Deleted by {by}."),
    "notes.passage_deleted": N_("{name} deleted a passage in “{box}”. You find it under “Deleted just now”."),
    "notes.bring_back": N_("Bring back"),
    "notes.remove_for_good": N_("Remove for good"),
    "notes.remove_about": N_("Then nobody can bring it back."),
    "notes.remove_yes": N_("Yes, remove it"),
    "notes.lost": N_("Some of your words did not reach the notes. You find them above the boxes."),
    "notes.lost_at_end": N_("These words did not reach the notes. Copy them, if you want to keep them."),
    "notes.copy": N_("Copy"),
    "notes.copied": N_("Copied"),
    "notes.put_in_again": N_("Put in again"),
    "notes.delete": N_("Delete"),
    "notes.delete_and_go_on": N_("Delete them and go on"),
    "refused.not_here": REFUSAL_WORDS["not_here"],
    "refused.not_allowed": REFUSAL_WORDS["not_allowed"],
    "refused.no_session": REFUSAL_WORDS["no_session"],
    "refused.session_ended": REFUSAL_WORDS["session_ended"],
    "refused.left": REFUSAL_WORDS["left"],
    "refused.not_your_window": REFUSAL_WORDS["not_your_window"],
    "refused.came_to_nothing": REFUSAL_WORDS["came_to_nothing"],
    "refused.unknown_page": REFUSAL_WORDS["unknown_page"],
    "refused.unknown_person": REFUSAL_WORDS["unknown_person"],
    "refused.alone": REFUSAL_WORDS["alone"],
    "refused.notes_full": REFUSAL_WORDS["notes_full"],
    "refused.already_back": REFUSAL_WORDS["already_back"],
    "refused.not_your_words": REFUSAL_WORDS["not_your_words"],
    "refused.taken_over": REFUSAL_WORDS["taken_over"],
    "refused.gap": N_("The notes were put back to an earlier time, so these words were not in them any more."),
    "refused.malformed": REFUSAL_WORDS["malformed"],
    "refused.too_fast": REFUSAL_WORDS["too_fast"],
    "refused.busy": REFUSAL_WORDS["busy"],
    "refused.other": N_("That did not work. Please try again."),
    "check.running": N_("Checking…"),
    "check.secure.yes": N_("The address is safe to use."),
    "check.secure.no": N_("The address does not start with https. Ask your clinic for the right address."),
    "check.storage.yes": N_("This browser can keep your place in a session."),
    "check.storage.no": N_("This browser does not keep your place. Allow cookies for this page, then check again."),
    "check.answer.yes": N_("This network reaches us."),
    "check.answer.no": N_("This network does not reach us. Try another network, then check again."),
    "check.socket.yes": N_("The fast connection works."),
    "check.socket.no": N_("The fast connection does not work here. The slower one will be used."),
    "check.result.good": N_("Everything works. You can hold a session here."),
    "check.result.slower": N_("You can hold a session here. It may be a little slower."),
    "check.result.not": N_("A session does not work here yet. Please see what to do below."),
}
"""By the keys of `client_templates/src/words.ts`. Places to fill stand in braces: the browser fills them."""
