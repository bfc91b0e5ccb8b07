"""The name a person gives. Any name they like, as long as it is one line that others can read: [PT5]."""

from __future__ import annotations

import unicodedata

from rooms.limits import NAME_LETTERS


def clean_name(text: str) -> str | None:
    """The name as it will be shown, or None when nothing readable is left or it is longer than `NAME_LETTERS`.

    Control characters, direction marks and other invisible letters are taken out: they are used to look like somebody
    else. Joiners stay, because names in several scripts are spelt with them.
    """
    name = clean_line(text)
    readable = any(unicodedata.category(letter)[0] in "LNPS" for letter in name)
    return name if readable and len(name) <= NAME_LETTERS else None


def clean_line(text: str) -> str:
    """A text on one line, without letters that nobody can see."""
    kept = (letter if letter in JOINERS or _can_be_seen(letter) else " " for letter in text)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def same_name(one: str, other: str) -> bool:
    """Whether two names would be taken for each other when read aloud or at a glance."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    seen = (letter for letter in name if letter not in JOINERS + VARIANTS)
    return unicodedata.normalize("NFKC", "".join(seen)).casefold()


def _can_be_seen(letter: str) -> bool:
    return unicodedata.category(letter)[0] != "C" and letter not in FILLERS


JOINERS = "\u200c\u200d"
VARIANTS = "".join(map(chr, range(0xFE00, 0xFE10)))
"""They choose how the letter before them is drawn (emoji are spelt with them), and are nothing by themselves."""
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Invisible, though they count as letters, marks or signs."""
