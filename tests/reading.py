"""How hard a page is to read: its sentences as a person meets them, and the grade of Flesch and Kincaid.

Every heading, button, label and item of a list is a sentence of its own, and so is what ends with a mark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

INLINE = frozenset({"b", "code", "em", "i", "small", "span", "sub", "sup", "time", "u"})
"""Elements within a sentence. All others end it: a link of ours is a button, and what is quoted is a person's own."""
UNREAD = frozenset({"code", "head", "header", "script", "style", "svg", "textarea", "time"})
"""What holds no sentences of the page's own. The header, with *Help now*, is the same on all pages."""

SENTENCE_ENDS = re.compile(r"(?<=[.!?])[”’\"')]*\s+")
WORD = re.compile(r"[^\W_]+(?:[-'’.:,/@]+[^\W_]+)*")

VOWELS = re.compile(r"[aeiouy]+")
SPOKEN_APART = re.compile(
    r"""
      (?<![tcsgx])i(?=[aou])            # di-al, vi-olin; not na-tion, spe-cial
    | i(?=et) | u(?=[ae]l) | u(?=ou|at) # qui-et, du-el, sitt-u-ation
    | e(?=o(?!u))                       # vid-e-o
    | [aeiouy](?=ing)                   # be-ing, try-ing
    | (?<=[^aeiouylrw])l(?=e[sd]?$)     # litt-le
    | (?<=[^aeiou])s(?=ms?$)            # pris-m
    """,
    re.VERBOSE,
)
SILENT_E = re.compile(
    r"""
      (?<=[^aeiouy])e(?=(ful|less|ly|ment|ness|ty|work|self|thing|times?|body|one|where)?$)  # name, careful, sometimes
    | (?<=[^aeiouysxzcg])(?<![cs]h)e(?=s$)                                                  # names; not pages
    | (?<=[^aeiouytd])e(?=d$)                                                               # named; not ended
    """,
    re.VERBOSE,
)
EXCEPTIONS = {
    "area": 3,
    "colleague": 2,
    "everybody": 4,
    "everyone": 3,
    "everything": 3,
    "everywhere": 3,
    "https": 5,
    "idea": 3,
    "idleness": 3,
    "people": 2,
    "player": 2,
    "qr": 2,
    "tired": 2,
    "whoever": 3,
}
"""Words of ours, and some near them, that the rules above get wrong."""


def sentences_of(html: str) -> list[str]:
    """What a page says, in its order. What is hidden until something happens is taken for said."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return [sentence for block in "".join(reader.text).split("\n") for sentence in sentences_in(block)]


def sentences_in(text: str) -> list[str]:
    """The sentences of one block of text. What holds no word is none."""
    return [piece.strip() for piece in SENTENCE_ENDS.split(" ".join(text.split())) if WORD.search(piece)]


def whole(sentences: Sequence[str]) -> list[str]:
    """Only what ends with a mark: without headings, labels and buttons, which make a page look easier than it is."""
    return [sentence for sentence in sentences if re.search(r"[.!?][”’\"')]*$", sentence)]


def words_of(sentence: str) -> list[str]:
    return WORD.findall(sentence)


def grade(sentences: Sequence[str]) -> float:
    """The school year, as Flesch and Kincaid reckon it, in which this can be read: 6 is an age of 11 or 12."""
    words = [word for sentence in sentences for word in words_of(sentence)]
    assert words, "nothing to read"
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """How many an English word has. A digit counts as one."""
    plain = re.sub(r"(?<=[ds])n['’]t\b", "ent", word.lower())  # did-n't
    parts: list[str] = re.findall(r"[^\W\d_]+|\d", re.sub(r"['’](?=\w{1,2}\b)", "", plain))
    return max(1, sum(EXCEPTIONS.get(part) or _by_rule(part) for part in parts))


def _by_rule(part: str) -> int:
    if part.isdigit():
        return 1
    plain = part.replace("é", "e-")
    found = len(VOWELS.findall(plain)) + len(SPOKEN_APART.findall(plain)) - len(SILENT_E.findall(plain))
    return max(1, found)


class _Reader(HTMLParser):
    """Collects what is read, with a line's end wherever a sentence ends without a mark."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in UNREAD
        self._between(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD
        self._between(tag)

    def _between(self, tag: str) -> None:
        if tag not in INLINE:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.text.append(" ".join(data.split("\n")))
