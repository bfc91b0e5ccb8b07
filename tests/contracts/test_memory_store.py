"""The memory store keeps the promises of the port, and can be told to be difficult."""

from __future__ import annotations

import asyncio

import pytest

from rooms import Position
from server.ports import Appended, Diverged, Missed, Store, StoreUnavailable
from server.store.memory import MemoryStore, Shelf
from tests.contracts.diary import Diary, following, new_id, room_of, turned
from tests.contracts.store_contract import Again, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf()

    @pytest.fixture
    def store(self, shelf: Shelf) -> Store:
        return MemoryStore(new_id, shelf)

    @pytest.fixture
    def again(self, shelf: Shelf) -> Again:
        async def as_found() -> Store:
            return MemoryStore(new_id, shelf)

        return as_found


class Trouble:
    """A pace that raises at one point."""

    def __init__(self, point: str) -> None:
        self.point = point

    async def __call__(self, point: str) -> None:
        if point == self.point:
            raise StoreUnavailable("the cable is out")


async def test_trouble_before_the_commit_means_that_nothing_was_written() -> None:
    store = MemoryStore(new_id)
    diary = await Diary.new(store)
    ben = MemoryStore(new_id, store.shelf, Trouble("before_commit"))

    with pytest.raises(StoreUnavailable):
        await ben.append(diary.room, diary.session, diary.head, following(diary.head, [turned("people")]))

    assert await diary.is_as_expected()


async def test_trouble_after_the_commit_means_that_it_was_written_and_nobody_knows() -> None:
    store = MemoryStore(new_id)
    diary = await Diary.new(store)
    ben = MemoryStore(new_id, store.shelf, Trouble("after_commit"))
    written = following(diary.head, [turned("people")])

    with pytest.raises(StoreUnavailable):
        await ben.append(diary.room, diary.session, diary.head, written)

    diary.log += written
    assert await diary.is_as_expected()


async def test_trouble_in_one_process_is_not_trouble_in_another() -> None:
    store = MemoryStore(new_id)
    diary = await Diary.new(store)
    store.pace = Trouble("read")

    with pytest.raises(StoreUnavailable):
        room_of(await store.load(diary.room))
    assert room_of(await MemoryStore(new_id, store.shelf).load(diary.room)) == diary.expected


async def test_who_is_held_up_before_the_commit_may_be_overtaken() -> None:
    store = MemoryStore(new_id)
    diary = await Diary.new(store)
    go_on = asyncio.Event()

    async def held_up(point: str) -> None:
        if point == "before_commit":
            await go_on.wait()

    slow = MemoryStore(new_id, store.shelf, held_up)
    before = diary.head
    waiting = asyncio.create_task(slow.append(diary.room, diary.session, before, following(before, [turned("people")])))
    await diary.write(turned("home"))
    go_on.set()

    assert await waiting == Missed(tuple(diary.log[3:]))


async def test_a_file_that_is_copied_back_has_an_older_past_under_the_same_epoch() -> None:
    store = MemoryStore(new_id)
    diary = await Diary.new(store)
    copied = store.shelf.copy()
    lost = following(diary.head, [turned("people")])
    assert await store.append(diary.room, diary.session, diary.head, lost) == Appended()
    store.shelf.put_back(copied)

    assert await diary.is_as_expected()
    after_lost = Position(diary.epoch, 4, lost[0].tail)
    assert await store.after(diary.room, after_lost) == Diverged()
    await diary.write(turned("home"))
    assert await store.after(diary.room, after_lost) == Diverged()
    store.shelf.put_back(copied)
    assert [recorded.seq for recorded in store.shelf.log(diary.room)] == [1, 2, 3]
