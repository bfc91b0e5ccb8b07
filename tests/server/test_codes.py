"""Spoken codes: what people write for them, how long they are good, and how little is said of those that are not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import new_id
from server.identity.codes import LENGTH, LETTERS, WRITTEN_AT_MOST, Codes, clean, shown
from server.ports import Row, Statement, Value
from server.store.opening import Opened, open_sqlite
from server.store.sqlite import SqliteDatabase
from tests.contracts.trouble import no_trouble
from tests.hands import Hands
from tests.server.invited import invite

WRITTEN_FOR = {"0": "0Oo", "1": "1IiLl", "V": "VvUu"}
"""What people write for these letters; for all others, the capital or the small letter."""


# --- reading ---


@pytest.mark.parametrize(
    "written",
    [
        "K7RM-2XQ4",
        "k7rm2xq4",
        " k7rm 2xq4 ",
        "K7RM–2XQ4.",
        "k.7.r.m.2.x.q.4",
        "Ｋ７ＲＭ－２ＸＱ４",
        "k7rm\u200b-\n2xq4",
    ],
)
def test_a_code_may_be_written_in_many_ways(written: str) -> None:
    assert clean(written) == "K7RM2XQ4"


def test_what_is_taken_for_another_letter_means_that_one() -> None:
    assert clean("OIL0-il1U") == "01101" + "11V"
    assert clean("uvUV oO00") == "VVVV0000"


@pytest.mark.parametrize(
    "written",
    ["", "K7RM-2XQ", "K7RM-2XQ4-9", "K7RM-2XQß", "К7RM-2XQ4", "K7RM-2XQ٣", "ﷺ" * 8, "\ud800" * 8, "K" * 70_000],
)
def test_what_cannot_be_a_code_is_none(written: str) -> None:
    assert clean(written) is None


def test_there_are_32_letters_and_none_that_is_taken_for_another() -> None:
    assert len(LETTERS) == len(set(LETTERS)) == 32
    assert set(LETTERS) == set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("ILOU")


codes = st.text(LETTERS, min_size=LENGTH, max_size=LENGTH)


@given(codes, st.data())
def test_whoever_writes_what_they_heard_is_understood(code: str, data: st.DataObject) -> None:
    between = st.text(" -.–_/·\t", max_size=3)
    written = "".join(
        data.draw(st.sampled_from(WRITTEN_FOR.get(letter, letter + letter.lower()))) + data.draw(between)
        for letter in code
    )
    assert clean(written) == code == clean(shown(code))


@given(st.text())
def test_whatever_is_written_is_a_code_or_none(written: str) -> None:
    code = clean(written)
    assert code is None or (len(code) == LENGTH and set(code) <= set(LETTERS) and clean(code) == code)


# --- the codes of invitations ---


class Counting:
    """A database that counts the questions."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.asked: list[str] = []

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        self.asked.append(sql)
        return await self._database.read(sql, *values)

    async def write(self, *statements: Statement) -> Sequence[Sequence[Row]]:
        return await self._database.write(*statements)

    async def erase(self, *statements: Statement) -> None:
        await self._database.erase(*statements)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as opened:
        await invite(opened.database, "sam", "kim")
        yield opened


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def of_all(house: Opened, clock: Hands) -> Codes:
    return Codes(house.database, house.vault, clock)


async def test_a_code_leads_to_its_invitation_for_a_quarter_of_an_hour(of_all: Codes, clock: Hands) -> None:
    code = await of_all.make("sam")
    assert clean(code) == code
    assert await of_all.find(code) == "sam"
    assert await of_all.current("sam") == code
    clock.seconds += 15 * 60 - 1
    assert await of_all.find(code) == "sam", "however often it is looked at"
    clock.seconds += 1
    assert await of_all.find(code) is None and await of_all.current("sam") is None


async def test_a_newer_code_replaces_the_one_before_and_nobody_elses(of_all: Codes) -> None:
    first, kims = await of_all.make("sam"), await of_all.make("kim")
    second = await of_all.make("sam")
    assert [await of_all.find(code) for code in (first, second, kims)] == [None, "sam", "kim"]


@pytest.mark.parametrize(
    "happens",
    [
        "UPDATE codes SET created_at = created_at - 900000",
        "UPDATE invitations SET used_at = 5 WHERE hash = 'sam'",
        "UPDATE invitations SET revoked_at = 5 WHERE hash = 'sam'",
        "UPDATE invitations SET over_at = 5 WHERE hash = 'sam'",
        "UPDATE sessions SET ended_at = 5 WHERE id = 'session of sam'",
        "DELETE FROM sessions WHERE id = 'session of sam'",
        "DELETE FROM codes",
    ],
)
async def test_a_code_that_is_not_live_is_like_one_that_never_was(house: Opened, clock: Hands, happens: str) -> None:
    database = Counting(house.database)
    of_all = Codes(database, house.vault, clock)
    code = await of_all.make("sam")
    assert await of_all.find(code) == "sam"
    await house.database.write(Statement(happens))
    assert await of_all.find(code) is None
    live, ended = database.asked
    assert live == ended, "one question, and the same"


async def test_a_code_is_found_by_a_keyed_hash_and_stored_nowhere_in_clear(house: Opened, of_all: Codes) -> None:
    code = await of_all.make("sam")
    [row] = await house.database.read("SELECT * FROM codes")
    assert code not in repr(row)
    assert row["hash"] == house.vault.fingerprint(code.encode(), "codes")


async def test_old_codes_are_swept_away(house: Opened, of_all: Codes, clock: Hands) -> None:
    await of_all.make("sam")
    clock.seconds += 60
    kims = await of_all.make("kim")
    clock.seconds += 14 * 60
    await of_all.forget_old()
    assert [row["invitation"] for row in await house.database.read("SELECT invitation FROM codes")] == ["kim"]
    assert await of_all.find(kims) == "kim"


def test_a_long_text_is_cut_off_before_it_is_looked_at() -> None:
    assert clean("-" * (WRITTEN_AT_MOST - LENGTH) + "K7RM2XQ4") == "K7RM2XQ4"
    assert clean("-" * (WRITTEN_AT_MOST - LENGTH + 1) + "K7RM2XQ4") is None
