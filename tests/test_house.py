"""The product runs as people run it, and the helpers of the other tests do what they say."""

from __future__ import annotations

from tests.conftest import MakeHouse
from tests.visitor import Visitor, alex_and_sam


async def test_sam_and_alex_each_have_an_address_of_their_own(desk: Visitor) -> None:
    alex, sam = await alex_and_sam(desk)
    assert alex.ticket != sam.ticket
    async with Visitor(desk.house) as device:
        without = await device.looks_at(sam.address)
        assert without.status_code == 403
    for each in (alex, sam):
        async with Visitor(desk.house) as device:
            page = await device.looks_at_with(each)
            assert page.status_code == 200
            assert "Alex, nurse" in page.text
            assert "Sam" in page.text


async def test_practice_has_two_tickets_in_one_browser(desk: Visitor) -> None:
    worker, person = await desk.starts_practice()
    for each in (worker, person):
        page = await desk.looks_at(each.address)
        assert page.status_code == 200


async def test_a_killed_house_starts_again_on_what_was_written(houses: MakeHouse) -> None:
    house = await houses()
    async with Visitor(house) as desk:
        await desk.makes_account()
        _, sam = await alex_and_sam(desk)
        await house.kill()
        await house.start()
        async with Visitor(house) as device:
            page = await device.looks_at_with(sam)
        assert page.status_code == 200
    assert "Sign in at" in house.output
