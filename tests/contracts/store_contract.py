"""What `server.ports.Store` promises, sentence by sentence. An adapter's tests are a subclass with the fixtures `store`
and `again`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rooms import Position, Recorded, Room, Stamp
from server.ports import Appended, Conflict, Diverged, Kept, Missed, NewSession, SessionRow, Store
from tests.contracts.diary import NOON, Diary, begun, ended, following, room_of, turned, written

Again: TypeAlias = Callable[[], Awaitable[Store]]
"""The store as another process finds it afterwards. The first one is not used any more."""

# Each example has a room of its own; and the same test for several adapters is what a contract is.
one_store_for_all_examples = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
)


class StoreContract:
    # --- create, prepare ---

    async def test_a_new_room_is_empty_and_has_an_epoch_of_its_own(self, store: Store) -> None:
        one = await store.create("room-1", NOON)
        other = await store.create("room-2", NOON)

        assert (one.seq, one.tail) == (0, "")
        assert one.epoch != other.epoch
        assert room_of(await store.load("room-1")) == Room("room-1", one.epoch)
        assert await store.after("room-1", one) is None
        assert list(await store.sessions()) == []

    async def test_a_room_that_is_there_is_not_made_again(self, store: Store) -> None:
        diary = await Diary.new(store)
        with pytest.raises(Conflict):
            await store.create(diary.room, NOON)

        assert await diary.is_as_expected()

    async def test_a_session_is_made_and_the_room_stays_as_it_is_until_it_is_opened(self, store: Store) -> None:
        head = await store.create("room-1", NOON)
        await store.prepare(_new("room-1", "session-1", planned_at=NOON + 9))

        assert room_of(await store.load("room-1")) == Room("room-1", head.epoch)
        assert await store.heads(["room-1"]) == {"room-1": head}
        assert list(await store.sessions()) == [
            SessionRow("room-1", "session-1", False, "account-1", made_at=NOON, planned_at=NOON + 9)
        ]

    @pytest.mark.parametrize(("room", "session"), [("nowhere", "fresh"), ("here", "taken"), ("elsewhere", "taken")])
    async def test_a_session_needs_a_room_and_an_id_of_its_own(self, store: Store, room: str, session: str) -> None:
        for name in ("here", "elsewhere"):
            await store.create(name, NOON)
        await store.prepare(_new("here", "taken"))

        with pytest.raises(Conflict):
            await store.prepare(_new(room, session))

        assert [(row.room, row.session) for row in await store.sessions()] == [("here", "taken")]

    # --- append ---

    async def test_what_was_appended_is_there_in_order(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"), turned("home", by="ben"))
        await diary.write(turned("hard-days"), stamp=Stamp("window-of-ada", 7))

        assert await diary.is_as_expected()

    async def test_what_was_appended_is_there_for_another_process(self, store: Store, again: Again) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"))

        diary.store = await again()

        assert await diary.is_as_expected()
        await diary.write(turned("home"))
        assert await diary.is_as_expected()

    async def test_ben_who_was_slower_gets_exactly_what_he_missed(self, store: Store) -> None:
        diary = await Diary.new(store)
        ben_knows = diary.head
        await diary.write(turned("people"))
        await diary.write(turned("home"), turned("hard-days"))

        outcome = await store.append(
            diary.room, diary.session, ben_knows, following(ben_knows, [turned("small-things", by="ben")])
        )

        assert outcome == Missed(tuple(diary.log[3:]))
        assert await diary.is_as_expected()

    async def test_of_many_at_once_one_wins_and_the_others_learn_of_it(self, store: Store) -> None:
        diary = await Diary.new(store)
        rivals = [following(diary.head, [turned("people"), turned("home")]) for _ in range(12)]

        outcomes = await asyncio.gather(*(store.append(diary.room, diary.session, diary.head, mine) for mine in rivals))

        assert outcomes.count(Appended()) == 1
        won = rivals[outcomes.index(Appended())]
        assert [outcome for outcome in outcomes if outcome != Appended()] == [Missed(tuple(won))] * 11
        diary.log += won
        assert await diary.is_as_expected()

    async def test_rooms_do_not_get_in_each_others_way(self, store: Store) -> None:
        diaries = [await Diary.new(store) for _ in range(20)]
        behind = [diary.at(2) for diary in diaries[:5]]

        async def too_late(diary: Diary, position: Position) -> None:
            assert await store.append(
                diary.room, diary.session, position, following(position, [turned("home")])
            ) == Missed(tuple(diary.log[2:]))

        await asyncio.gather(
            *map(too_late, diaries[:5], behind), *(diary.write(turned("people")) for diary in diaries[5:])
        )

        assert all([await diary.is_as_expected() for diary in diaries])

    @pytest.mark.parametrize("way", ["ahead", "other tail", "other epoch", "other tail long ago", "no such room"])
    async def test_who_names_another_past_has_diverged(self, store: Store, way: str) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"))
        room, position = diary.room, diary.head
        match way:
            case "ahead":
                position = Position(position.epoch, position.seq + 1, "tail-of-nothing")
            case "other tail":
                position = Position(position.epoch, position.seq, "tail-of-nothing")
            case "other tail long ago":
                position = Position(position.epoch, 2, diary.head.tail)
            case "other epoch":
                position = Position("epoch-of-nothing", position.seq, position.tail)
            case _:
                room = "room-of-nobody"

        assert await store.append(room, diary.session, position, following(position, [turned("home")])) == Diverged()
        assert await store.after(room, position) == Diverged()
        assert await diary.is_as_expected()

    async def test_events_with_other_numbers_are_a_mistake_of_the_caller(self, store: Store) -> None:
        diary = await Diary.new(store)
        first, second = following(diary.head, [turned("people"), turned("home")])

        for wrong in ([], [second], [second, first], [first, first]):
            with pytest.raises(ValueError, match="do not follow"):
                await store.append(diary.room, diary.session, diary.head, wrong)

        assert await diary.is_as_expected()

    async def test_the_end_of_a_session_is_marked_with_its_event(self, store: Store) -> None:
        over, goes_on = await Diary.new(store), await Diary.new(store)
        await asyncio.gather(over.write(turned("people"), ended(NOON + 5)), goes_on.write(turned("people")))

        assert {row.room: row.ended_at for row in await store.sessions()} == {over.room: NOON + 5, goes_on.room: None}

    async def test_an_end_that_came_too_late_to_be_appended_ends_nothing(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.append(diary.room, diary.session, diary.at(2), following(diary.at(2), [ended()]))

        assert [row.ended_at for row in await store.sessions()] == [None]

    @pytest.mark.parametrize("steps", [0, 1, 2, 3, 5])
    async def test_ada_goes_away_while_she_waits_and_nothing_is_torn(self, store: Store, steps: int) -> None:
        diary = await Diary.new(store)
        hers = following(diary.head, [turned("people"), turned("home")])
        waiting = asyncio.ensure_future(store.append(diary.room, diary.session, diary.head, hers))
        for _ in range(steps):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

        before = diary.head
        outcome = await store.append(
            diary.room, diary.session, before, following(before, [turned("hard-days", by="ben")])
        )

        assert outcome in (Appended(), Missed(tuple(hers)))
        whole = await store.after(diary.room, before)
        assert isinstance(whole, Missed)
        assert [recorded.seq for recorded in whole.events] == ([4] if outcome == Appended() else [4, 5])
        if outcome != Appended():
            diary.log += hers
            await diary.write(turned("hard-days"))
            assert await diary.is_as_expected()

    @one_store_for_all_examples
    @given(moves=st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 3)), max_size=20))
    async def test_whoever_writes_when_the_log_is_one_order_without_hole_or_repetition(
        self, store: Store, moves: list[tuple[int, bool, int]]
    ) -> None:
        """Three writers, each with a copy of its own; `(writer, looks first, number of events)`."""
        diary = await Diary.new(store)
        known = [list(diary.log) for _ in range(3)]
        for writer, looks_first, count in moves:
            mine = known[writer]
            position = Position(diary.epoch, len(mine), mine[-1].tail)
            if looks_first:
                mine += _missed(await store.after(diary.room, position))
                position = Position(diary.epoch, len(mine), mine[-1].tail)
            behind = diary.log[len(mine) :]
            new = following(position, [turned("people")] * count)
            outcome = await store.append(diary.room, diary.session, position, new)
            if behind:
                assert outcome == Missed(tuple(behind))
                mine += behind
            else:
                assert outcome == Appended()
                mine += new
                diary.log += new

        assert await diary.is_as_expected()

    # --- load, after, heads ---

    async def test_ben_comes_back_and_gets_what_came_after(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"), turned("home"))

        assert await store.after(diary.room, diary.head) is None
        for seq in range(len(diary.log)):
            assert await store.after(diary.room, diary.at(seq)) == Missed(tuple(diary.log[seq:]))

    async def test_what_is_not_there_is_none(self, store: Store) -> None:
        assert room_of(await store.load("room-of-nobody")) is None

    async def test_heads_leaves_out_what_is_not_there(self, store: Store) -> None:
        diaries = [await Diary.new(store) for _ in range(3)]
        nobody = [f"room-of-nobody-{number}" for number in range(1200)]

        asked = [*nobody[:600], *(diary.room for diary in diaries), *nobody[600:]]
        assert await store.heads(asked) == {diary.room: diary.head for diary in diaries}
        assert await store.heads([]) == {}

    async def test_what_was_given_out_can_be_changed_without_changing_the_store(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.snapshot(diary.expected, trim_to=0, words=b"")

        loaded = room_of(await store.load(diary.room))
        assert loaded is not None
        loaded.participants.clear()

        assert await diary.is_as_expected()

    # --- snapshot ---

    async def test_a_room_comes_from_its_snapshot_and_what_came_after(self, store: Store, again: Again) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"), stamp=Stamp("window-of-ada", 1))
        await store.snapshot(diary.expected, trim_to=4, words=b"")
        await diary.write(turned("home", by="ben"), stamp=Stamp("window-of-ben", 1))

        assert room_of(await store.load(diary.room)) == diary.expected
        assert room_of(await (await again()).load(diary.room)) == diary.expected

    async def test_words_come_as_the_snapshot_had_them_with_what_was_written_since(
        self, store: Store, again: Again
    ) -> None:
        diary = await Diary.new(store)
        await diary.write(written(b"one"), turned("people"))
        assert await store.load(diary.room) == Kept(diary.expected, b"", (b"one",))
        await store.snapshot(diary.expected, trim_to=0, words=b"words")
        older = diary.expected
        await diary.write(written(b"two"), written(b"three"))
        await store.snapshot(older, trim_to=0, words=b"late")
        kept = Kept(diary.expected, b"words", (b"two", b"three"))
        assert await store.load(diary.room) == kept
        assert await (await again()).load(diary.room) == kept

    async def test_the_words_of_a_session_that_ended_are_its_own(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(written(b"one"))
        await store.snapshot(diary.expected, trim_to=0, words=b"words")
        await diary.write(written(b"two"), ended())
        over, first = diary.expected, diary.session
        await diary.meet()
        assert await store.load(diary.room) == Kept(diary.expected)
        assert await store.closed(first) == Kept(over, b"words", (b"two",))

    async def test_what_was_trimmed_away_cannot_be_told_but_what_is_kept_can(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(*[turned("people")] * 3)
        await store.snapshot(diary.expected, trim_to=4, words=b"")
        await diary.write(turned("home"))

        assert await store.after(diary.room, diary.at(0)) == Diverged()
        assert await store.after(diary.room, diary.at(3)) == Diverged()
        for seq in (5, 6):
            assert await store.after(diary.room, diary.at(seq)) == Missed(tuple(diary.log[seq:]))
        late = following(diary.at(3), [turned("home")])
        assert await store.append(diary.room, diary.session, diary.at(3), late) == Diverged()

    async def test_who_stands_at_the_snapshot_itself_has_missed_only_what_came_after(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.snapshot(diary.expected, trim_to=99, words=b"")
        at_snapshot = diary.head
        assert await store.after(diary.room, at_snapshot) is None
        await diary.write(turned("people"))

        assert await store.after(diary.room, at_snapshot) == Missed(tuple(diary.log[3:]))
        assert await store.after(diary.room, Position(diary.epoch, 3, "tail-of-nothing")) == Diverged()

        await diary.write(turned("home"))
        await store.snapshot(diary.expected, trim_to=4, words=b"")
        assert await store.after(diary.room, at_snapshot) == Diverged()

    async def test_nothing_is_dropped_beyond_the_snapshot(self, store: Store) -> None:
        diary = await Diary.new(store)
        then = diary.expected
        await diary.write(turned("people"), turned("home"))
        await store.snapshot(then, trim_to=99, words=b"")

        assert await store.after(diary.room, diary.at(2)) == Diverged()
        assert await store.after(diary.room, diary.at(3)) == Missed(tuple(diary.log[3:]))
        assert room_of(await store.load(diary.room)) == diary.expected

    async def test_nothing_is_dropped_below_what_was_named(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"))
        await store.snapshot(diary.expected, trim_to=0, words=b"")

        assert await diary.is_as_expected()

    async def test_an_older_snapshot_does_not_take_the_place_of_a_newer_one(self, store: Store) -> None:
        diary = await Diary.new(store)
        older = diary.expected
        await diary.write(turned("people"))
        await store.snapshot(diary.expected, trim_to=2, words=b"")
        await store.snapshot(older, trim_to=4, words=b"")

        assert room_of(await store.load(diary.room)) == diary.expected
        # Trimmed up to the newer one: the older one is not where the log begins.
        assert await store.after(diary.room, diary.at(3)) == Diverged()
        assert await store.after(diary.room, diary.at(4)) is None

    @pytest.mark.parametrize("way", ["another tail", "another epoch", "ahead", "no such room"])
    async def test_a_snapshot_of_another_past_changes_nothing(self, store: Store, way: str) -> None:
        diary = await Diary.new(store)
        room = diary.expected
        match way:
            case "another tail":
                other = msgspec.structs.replace(room, tail="tail-of-nothing", participants={})
            case "another epoch":
                other = msgspec.structs.replace(room, epoch="epoch-of-nothing", participants={})
            case "ahead":
                other = msgspec.structs.replace(room, seq=room.seq + 1, participants={})
            case _:
                other = msgspec.structs.replace(room, id="room-of-nobody")
        await store.snapshot(other, trim_to=99, words=b"")

        assert await diary.is_as_expected()
        assert room_of(await store.load("room-of-nobody")) is None

    # --- one session after the other ---

    async def test_a_second_session_goes_on_from_where_the_first_has_ended(self, store: Store, again: Again) -> None:
        diary = await Diary.new(store)
        await diary.next_session()
        await diary.write(turned("people"))

        assert room_of(await store.load(diary.room)) == diary.expected
        assert diary.expected.session is not None
        assert diary.expected.session.id == diary.session
        assert room_of(await (await again()).load(diary.room)) == diary.expected

    async def test_who_slept_through_the_second_opening_gets_what_was_kept_or_has_diverged(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.next_session()
        await diary.write(turned("people"))

        for seq in range(4, len(diary.log)):  # From the end of the first on: its snapshot stands there.
            assert await store.after(diary.room, diary.at(seq)) == Missed(tuple(diary.log[seq:]))
        for seq in range(4):
            assert await store.after(diary.room, diary.at(seq)) == Diverged()
        late = following(diary.at(3), [turned("home")])
        assert await store.append(diary.room, diary.session, diary.at(3), late) == Diverged()

    async def test_as_long_as_the_first_sessions_log_is_kept_all_can_be_told(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(ended())
        await diary.meet()

        assert room_of(await store.load(diary.room)) == diary.expected
        for seq in range(1, len(diary.log)):
            assert await store.after(diary.room, diary.at(seq)) == Missed(tuple(diary.log[seq:]))

    async def test_a_snapshot_is_that_of_its_session_and_trims_no_other(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"), ended())
        first, over = diary.expected, diary.session
        await diary.meet()
        await store.snapshot(diary.expected, trim_to=99, words=b"")

        assert room_of(await store.load(diary.room)) == diary.expected
        assert await store.after(diary.room, diary.at(6)) == Diverged()
        assert await store.after(diary.room, diary.head) is None
        # The first one's log is still whole: of it nothing was trimmed, and it can be let go of even now.
        await store.snapshot(first, trim_to=99, words=b"")
        assert room_of(await store.load(diary.room)) == diary.expected
        assert room_of(await store.closed(over)) == first

    @pytest.mark.parametrize("trim_to", [0, 3, 5])
    async def test_what_a_session_was_when_it_ended_is_there_while_the_next_one_goes_on(
        self, store: Store, again: Again, trim_to: int
    ) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"))
        if trim_to:
            await store.snapshot(diary.expected, trim_to, words=b"")
        first = diary.session
        assert room_of(await store.closed(first)) is None
        await diary.write(ended())
        over = diary.expected
        assert room_of(await store.closed(first)) == over
        await diary.meet()
        await diary.write(turned("hard-days"))

        assert room_of(await store.closed(first)) == over
        assert room_of(await store.closed(diary.session)) is None
        assert room_of(await (await again()).closed(first)) == over

    async def test_of_a_second_session_too(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.next_session()
        await diary.write(turned("people"))
        second = await diary.next_session()

        assert room_of(await store.closed(second)) == diary.until(9)

    async def test_what_is_not_there_has_not_ended(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.prepare(_new(diary.room, "prepared"))

        assert room_of(await store.closed("session-of-nobody")) is None
        assert room_of(await store.closed("prepared")) is None

    async def test_each_session_is_marked_with_its_own_times(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(ended(NOON + 5))
        await diary.meet()
        [first, second] = sorted(await store.sessions(diary.room), key=lambda row: row.open)

        assert (first.opened_at, first.ended_at, first.open) == (NOON, NOON + 5, False)
        assert (second.session, second.opened_at, second.ended_at) == (diary.session, NOON, None)

    async def test_an_opening_that_came_too_late_to_be_appended_opens_nothing(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(ended())
        await store.prepare(_new(diary.room, "late"))
        opening = following(diary.at(3), begun("late", "Ada", "Ben"))

        assert isinstance(await store.append(diary.room, "late", diary.at(3), opening), Missed)
        assert {row.session: row.opened_at for row in await store.sessions()}["late"] is None
        assert await diary.is_as_expected()

    @pytest.mark.parametrize("whose", ["nobody's", "another room's", "destroyed"])
    async def test_nothing_is_appended_for_a_session_that_is_not_in_the_room(self, store: Store, whose: str) -> None:
        diary, other = await Diary.new(store), await Diary.new(store)
        over = await diary.next_session()
        await store.destroy(over, NOON)
        session = {"nobody's": "session-of-nobody", "another room's": other.session, "destroyed": over}[whose]

        outcome = await store.append(diary.room, session, diary.head, following(diary.head, [turned("people")]))

        assert outcome == Diverged()
        assert room_of(await store.load(diary.room)) == diary.expected
        assert await other.is_as_expected()

    # --- sessions, destroy ---

    async def test_all_sessions_are_listed_in_the_order_they_were_made(self, store: Store) -> None:
        for room in ("room-1", "room-2"):
            await store.create(room, NOON)
        last = NewSession("room-1", "session-1", practice=False, account="account-7", made_at=NOON + 2)
        first = NewSession("room-2", "session-2", practice=True, account=None, made_at=NOON)
        middle = NewSession("room-1", "session-3", False, "account-7", made_at=NOON + 1, planned_at=NOON + 99)
        for new in (last, first, middle):
            await store.prepare(new)

        rows = [SessionRow(**msgspec.structs.asdict(new)) for new in (first, middle, last)]
        assert list(await store.sessions()) == rows
        assert list(await store.sessions("room-1")) == rows[1:]
        assert list(await store.sessions("room-of-nobody")) == []

    async def test_of_a_room_whose_last_session_is_destroyed_nothing_is_left(self, store: Store, again: Again) -> None:
        """[SE7] And the others are untouched."""
        gone, other = await Diary.new(store), await Diary.new(store)
        await store.snapshot(gone.expected, trim_to=2, words=b"")

        await store.destroy(gone.session, NOON)

        await _nothing_but(other, gone)
        other.store = await again()
        await _nothing_but(other, gone)

    async def test_the_first_session_is_destroyed_while_the_second_goes_on(self, store: Store, again: Again) -> None:
        """[SE6]"""
        diary = await Diary.new(store)
        over = await diary.next_session()
        await diary.write(turned("people"))

        await store.destroy(over, NOON)

        await _only_the_second_is_left(diary, over)
        diary.store = await again()
        await _only_the_second_is_left(diary, over)
        await diary.write(turned("home"))
        assert room_of(await diary.store.load(diary.room)) == diary.expected

    async def test_the_first_session_is_destroyed_before_its_log_was_trimmed(self, store: Store) -> None:
        diary = await Diary.new(store)
        over = diary.session
        await diary.write(turned("people"), ended())
        await diary.meet()

        await store.destroy(over, NOON)

        assert room_of(await store.load(diary.room)) == diary.expected
        assert await store.after(diary.room, diary.at(3)) == Diverged()
        assert await store.after(diary.room, diary.at(5)) == Missed(tuple(diary.log[5:]))

    async def test_a_session_in_the_middle_is_destroyed(self, store: Store) -> None:
        diary = await Diary.new(store)
        first = await diary.next_session()
        second = await diary.next_session()

        await store.destroy(second, NOON)

        assert room_of(await store.closed(first)) == diary.until(4)
        assert room_of(await store.load(diary.room)) == diary.expected
        assert await store.after(diary.room, diary.at(4)) == Diverged()
        assert await store.after(diary.room, diary.at(8)) == Missed(tuple(diary.log[8:]))

    async def test_the_last_one_is_destroyed_and_another_was_prepared(self, store: Store) -> None:
        """The room stays where it stands, without a session, until the next one is opened in it."""
        diary = await Diary.new(store)
        over = diary.session
        await diary.write(ended())
        await store.prepare(_new(diary.room, "for-tuesday"))

        await store.destroy(over, NOON)

        await stands_without_a_session(diary)
        await store.snapshot(diary.expected, trim_to=99, words=b"")
        await stands_without_a_session(diary)
        await diary.meet()
        assert room_of(await store.load(diary.room)) == diary.expected
        assert await store.after(diary.room, diary.at(4)) == Missed(tuple(diary.log[4:]))

    async def test_one_that_was_prepared_is_destroyed_and_the_open_one_goes_on(self, store: Store) -> None:
        """[SE6]"""
        diary = await Diary.new(store)
        await store.prepare(_new(diary.room, "for-tuesday"))

        await store.destroy("for-tuesday", NOON)

        assert [row.session for row in await store.sessions()] == [diary.session]
        assert await diary.is_as_expected()

    async def test_destroying_twice_is_harmless(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.destroy(diary.session, NOON)
        await store.destroy(diary.session, NOON)
        await store.destroy("session-of-nobody", NOON)

        assert list(await store.sessions()) == []

    async def test_a_room_that_is_made_again_has_another_past(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.destroy(diary.session, NOON)
        anew = await store.create(diary.room, NOON)
        await store.prepare(_new(diary.room, "anew"))

        assert anew.epoch != diary.epoch
        assert await store.after(diary.room, diary.head) == Diverged()
        late = following(diary.head, [turned("home")])
        assert await store.append(diary.room, "anew", diary.head, late) == Diverged()
        first = following(anew, begun("anew", "Ada", "Ben"))
        assert await store.append(diary.room, "anew", anew, first) == Appended()
        assert await store.after(diary.room, anew) == Missed(tuple(first))


def _new(room: str, session: str, planned_at: int | None = None) -> NewSession:
    return NewSession(room, session, practice=False, account="account-1", made_at=NOON, planned_at=planned_at)


async def _only_the_second_is_left(diary: Diary, over: str) -> None:
    """Where it began, at 4, is not forgotten."""
    store = diary.store
    assert room_of(await store.closed(over)) is None
    assert [row.session for row in await store.sessions()] == [diary.session]
    assert room_of(await store.load(diary.room)) == diary.expected
    for seq in range(4, len(diary.log)):
        assert await store.after(diary.room, diary.at(seq)) == Missed(tuple(diary.log[seq:]))
    assert await store.after(diary.room, diary.at(3)) == Diverged()


async def stands_without_a_session(diary: Diary) -> None:
    """The room is where its diary ends, and nothing of a session is in it."""
    store, head = diary.store, diary.head
    assert room_of(await store.load(diary.room)) == Room(diary.room, head.epoch, head.seq, head.tail)
    assert await store.heads([diary.room]) == {diary.room: head}
    assert await store.after(diary.room, head) is None
    assert await store.after(diary.room, diary.at(len(diary.log) - 1)) == Diverged()


def _missed(outcome: Missed | Diverged | None) -> list[Recorded]:
    assert not isinstance(outcome, Diverged)
    return list(outcome.events) if outcome else []


async def _nothing_but(other: Diary, gone: Diary) -> None:
    store = other.store
    assert room_of(await store.load(gone.room)) is None
    assert await store.after(gone.room, gone.head) == Diverged()
    assert await store.append(gone.room, gone.session, gone.head, following(gone.head, [turned("home")])) == Diverged()
    assert await store.heads([gone.room, other.room]) == {other.room: other.head}
    assert [row.room for row in await store.sessions()] == [other.room]
    await store.snapshot(gone.expected, trim_to=0, words=b"")
    assert room_of(await store.load(gone.room)) is None
    assert await other.is_as_expected()
