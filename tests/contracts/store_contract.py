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
from server.ports import Appended, Conflict, Diverged, Missed, NewRoom, OpenSessionRow, Store
from tests.contracts.diary import NOON, Diary, ended, following, new_id, turned

Again: TypeAlias = Callable[[], Awaitable[Store]]
"""The store as another process finds it afterwards. The first one is not used any more."""

# Each example has a room of its own; and the same test for several adapters is what a contract is.
one_store_for_all_examples = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
)


class StoreContract:
    # --- create ---

    async def test_a_new_room_is_empty_and_has_an_epoch_of_its_own(self, store: Store) -> None:
        one = await store.create(NewRoom("room-1", "session-1", practice=True, account=None, at=NOON))
        other = await store.create(NewRoom("room-2", "session-2", practice=True, account=None, at=NOON))

        assert (one.seq, one.tail) == (0, "")
        assert one.epoch != other.epoch
        assert await store.load("room-1") == Room("room-1", one.epoch)
        assert await store.after("room-1", one) is None

    @pytest.mark.parametrize(("room", "session"), [("taken", "fresh"), ("fresh", "taken"), ("taken", "taken")])
    async def test_an_id_that_is_taken_makes_nothing(self, store: Store, room: str, session: str) -> None:
        head = await store.create(NewRoom("taken", "taken", practice=True, account=None, at=NOON))

        with pytest.raises(Conflict):
            await store.create(NewRoom(room, session, practice=False, account="account-1", at=NOON))

        assert await store.heads(["taken", "fresh"]) == {"taken": head}
        assert len(await store.sessions()) == 1

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

        outcome = await store.append(diary.room, ben_knows, following(ben_knows, [turned("small-things", by="ben")]))

        assert outcome == Missed(tuple(diary.log[3:]))
        assert await diary.is_as_expected()

    async def test_of_many_at_once_one_wins_and_the_others_learn_of_it(self, store: Store) -> None:
        diary = await Diary.new(store)
        rivals = [following(diary.head, [turned("people"), turned("home")]) for _ in range(12)]

        outcomes = await asyncio.gather(*(store.append(diary.room, diary.head, mine) for mine in rivals))

        assert outcomes.count(Appended()) == 1
        won = rivals[outcomes.index(Appended())]
        assert [outcome for outcome in outcomes if outcome != Appended()] == [Missed(tuple(won))] * 11
        diary.log += won
        assert await diary.is_as_expected()

    async def test_rooms_do_not_get_in_each_others_way(self, store: Store) -> None:
        diaries = [await Diary.new(store) for _ in range(20)]
        behind = [diary.at(2) for diary in diaries[:5]]

        async def too_late(diary: Diary, position: Position) -> None:
            assert await store.append(diary.room, position, following(position, [turned("home")])) == Missed(
                tuple(diary.log[2:])
            )

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

        assert await store.append(room, position, following(position, [turned("home")])) == Diverged()
        assert await store.after(room, position) == Diverged()
        assert await diary.is_as_expected()

    async def test_events_with_other_numbers_are_a_mistake_of_the_caller(self, store: Store) -> None:
        diary = await Diary.new(store)
        first, second = following(diary.head, [turned("people"), turned("home")])

        for wrong in ([], [second], [second, first], [first, first]):
            with pytest.raises(ValueError, match="do not follow"):
                await store.append(diary.room, diary.head, wrong)

        assert await diary.is_as_expected()

    async def test_the_end_of_a_session_is_marked_with_its_event(self, store: Store) -> None:
        over, goes_on = await Diary.new(store), await Diary.new(store)
        await asyncio.gather(over.write(turned("people"), ended(NOON + 5)), goes_on.write(turned("people")))

        assert {row.room: row.ended_at for row in await store.sessions()} == {over.room: NOON + 5, goes_on.room: None}

    async def test_an_end_that_came_too_late_to_be_appended_ends_nothing(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.append(diary.room, diary.at(2), following(diary.at(2), [ended()]))

        assert [row.ended_at for row in await store.sessions()] == [None]

    @pytest.mark.parametrize("steps", [0, 1, 2, 3, 5])
    async def test_ada_goes_away_while_she_waits_and_nothing_is_torn(self, store: Store, steps: int) -> None:
        diary = await Diary.new(store)
        hers = following(diary.head, [turned("people"), turned("home")])
        waiting = asyncio.ensure_future(store.append(diary.room, diary.head, hers))
        for _ in range(steps):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

        before = diary.head
        outcome = await store.append(diary.room, before, following(before, [turned("hard-days", by="ben")]))

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
            outcome = await store.append(diary.room, position, new)
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
        assert await store.load("room-of-nobody") is None

    async def test_heads_leaves_out_what_is_not_there(self, store: Store) -> None:
        diaries = [await Diary.new(store) for _ in range(3)]
        nobody = [f"room-of-nobody-{number}" for number in range(1200)]

        asked = [*nobody[:600], *(diary.room for diary in diaries), *nobody[600:]]
        assert await store.heads(asked) == {diary.room: diary.head for diary in diaries}
        assert await store.heads([]) == {}

    async def test_what_was_given_out_can_be_changed_without_changing_the_store(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.snapshot(diary.expected, trim_to=0)

        loaded = await store.load(diary.room)
        assert loaded is not None
        loaded.participants.clear()

        assert await diary.is_as_expected()

    # --- snapshot ---

    async def test_a_room_comes_from_its_snapshot_and_what_came_after(self, store: Store, again: Again) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"), stamp=Stamp("window-of-ada", 1))
        await store.snapshot(diary.expected, trim_to=4)
        await diary.write(turned("home", by="ben"), stamp=Stamp("window-of-ben", 1))

        assert await store.load(diary.room) == diary.expected
        assert await (await again()).load(diary.room) == diary.expected

    async def test_what_was_trimmed_away_cannot_be_told_but_what_is_kept_can(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(*[turned("people")] * 3)
        await store.snapshot(diary.expected, trim_to=4)
        await diary.write(turned("home"))

        assert await store.after(diary.room, diary.at(0)) == Diverged()
        assert await store.after(diary.room, diary.at(3)) == Diverged()
        for seq in (5, 6):
            assert await store.after(diary.room, diary.at(seq)) == Missed(tuple(diary.log[seq:]))
        late = following(diary.at(3), [turned("home")])
        assert await store.append(diary.room, diary.at(3), late) == Diverged()

    async def test_who_stands_at_the_snapshot_itself_has_missed_only_what_came_after(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.snapshot(diary.expected, trim_to=99)
        at_snapshot = diary.head
        assert await store.after(diary.room, at_snapshot) is None
        await diary.write(turned("people"))

        assert await store.after(diary.room, at_snapshot) == Missed(tuple(diary.log[3:]))
        assert await store.after(diary.room, Position(diary.epoch, 3, "tail-of-nothing")) == Diverged()

        await diary.write(turned("home"))
        await store.snapshot(diary.expected, trim_to=4)
        assert await store.after(diary.room, at_snapshot) == Diverged()

    async def test_nothing_is_dropped_beyond_the_snapshot(self, store: Store) -> None:
        diary = await Diary.new(store)
        then = diary.expected
        await diary.write(turned("people"), turned("home"))
        await store.snapshot(then, trim_to=99)

        assert await store.after(diary.room, diary.at(2)) == Diverged()
        assert await store.after(diary.room, diary.at(3)) == Missed(tuple(diary.log[3:]))
        assert await store.load(diary.room) == diary.expected

    async def test_nothing_is_dropped_below_what_was_named(self, store: Store) -> None:
        diary = await Diary.new(store)
        await diary.write(turned("people"))
        await store.snapshot(diary.expected, trim_to=0)

        assert await diary.is_as_expected()

    async def test_an_older_snapshot_does_not_take_the_place_of_a_newer_one(self, store: Store) -> None:
        diary = await Diary.new(store)
        older = diary.expected
        await diary.write(turned("people"))
        await store.snapshot(diary.expected, trim_to=2)
        await store.snapshot(older, trim_to=4)

        assert await store.load(diary.room) == diary.expected
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
        await store.snapshot(other, trim_to=99)

        assert await diary.is_as_expected()
        assert await store.load("room-of-nobody") is None

    # --- sessions, destroy ---

    async def test_all_sessions_are_listed(self, store: Store) -> None:
        await store.create(NewRoom("room-1", "session-1", practice=True, account=None, at=NOON))
        await store.create(NewRoom("room-2", "session-2", practice=False, account="account-7", at=NOON + 1))

        assert list(await store.sessions()) == [
            OpenSessionRow("room-1", "session-1", practice=True, account=None, opened_at=NOON, ended_at=None),
            OpenSessionRow(
                "room-2", "session-2", practice=False, account="account-7", opened_at=NOON + 1, ended_at=None
            ),
        ]

    async def test_of_a_destroyed_room_nothing_is_left_and_the_others_are_untouched(
        self, store: Store, again: Again
    ) -> None:
        gone, other = await Diary.new(store), await Diary.new(store)
        await store.snapshot(gone.expected, trim_to=2)

        await store.destroy(gone.room)

        await _nothing_but(other, gone)
        other.store = await again()
        await _nothing_but(other, gone)

    async def test_destroying_twice_is_harmless(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.destroy(diary.room)
        await store.destroy(diary.room)
        await store.destroy("room-of-nobody")

        assert list(await store.sessions()) == []

    async def test_a_room_that_is_made_again_has_another_past(self, store: Store) -> None:
        diary = await Diary.new(store)
        await store.destroy(diary.room)
        anew = await store.create(NewRoom(diary.room, new_id(), practice=False, account=None, at=NOON))

        assert anew.epoch != diary.epoch
        assert await store.after(diary.room, diary.head) == Diverged()
        assert await store.append(diary.room, diary.head, following(diary.head, [turned("home")])) == Diverged()
        first = following(anew, [turned("home")])
        assert await store.append(diary.room, anew, first) == Appended()
        assert await store.after(diary.room, anew) == Missed(tuple(first))


def _missed(outcome: Missed | Diverged | None) -> list[Recorded]:
    assert not isinstance(outcome, Diverged)
    return list(outcome.events) if outcome else []


async def _nothing_but(other: Diary, gone: Diary) -> None:
    store = other.store
    assert await store.load(gone.room) is None
    assert await store.after(gone.room, gone.head) == Diverged()
    assert await store.append(gone.room, gone.head, following(gone.head, [turned("home")])) == Diverged()
    assert await store.heads([gone.room, other.room]) == {other.room: other.head}
    assert [row.room for row in await store.sessions()] == [other.room]
    await store.snapshot(gone.expected, trim_to=0)
    assert await store.load(gone.room) is None
    assert await other.is_as_expected()
