"""The name a person gives. Any name they like, as long as it is one line that others can read: [PT5]."""

from __future__ import annotations

import unicodedata

from rooms.limits import NAME_LETTERS


def clean_name(text: str) -> str | None:
    """The name as it will be shown, or None when nothing readable is left or it is longer than `NAME_LETTERS`.

    Control characters, direction marks and other invisible letters are taken out: they are used to look like somebody
    else. Joiners stay, because names in several scripts are spelt with them.
    """
    kept = (letter if letter in JOINERS or unicodedata.category(letter)[0] != "C" else " " for letter in text)
    name = " ".join(unicodedata.normalize("NFC", "".join(kept)).split())
    readable = any(unicodedata.category(letter)[0] in "LNPS" for letter in name)
    return name if readable and len(name) <= NAME_LETTERS else None


def same_name(one: str, other: str) -> bool:
    """Whether two names would be taken for each other when read aloud or at a glance."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


JOINERS = "\u200c\u200d"
