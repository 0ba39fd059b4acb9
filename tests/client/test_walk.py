"""Walking over pages: where a listing ends, and what stops one that would not."""

from __future__ import annotations

import pytest

from adept.client.call import Call
from adept.client.endpoints import fetch_devices
from adept.client.walk import EMPTY_PAGES, Walk
from adept.errors import Malformed, Refused
from adept.protocol.device import Device, MalformedDevice
from adept.protocol.pages import DevicePage


def page(*serials: str, cursor: str | None = None, more: bool = False) -> DevicePage:
    return DevicePage(
        devices=tuple(Device(serial_number=serial) for serial in serials), cursor=cursor, more_to_follow=more
    )


def walked(pages: list[DevicePage], *, cursor: str | None = None) -> tuple[list[str], Walk]:
    """Walk over these pages as long as the walk wants one."""
    walk = Walk(fetch_devices, cursor)
    serials: list[str] = []
    while walk.next_call() is not None:
        serials += [device.serial_number for device in walk.take(pages.pop(0))]
    assert not pages
    return serials, walk


def test_a_listing_ends_with_the_page_that_says_so() -> None:
    serials, walk = walked([page("A", "B", cursor="1", more=True), page("C", cursor="2")])
    assert (serials, walk.cursor, walk.pages) == (["A", "B", "C"], "2", 2)


def test_the_cursor_of_a_page_is_asked_for_next() -> None:
    walk = Walk(fetch_devices, None)
    first = walk.next_call()
    walk.take(page("A", cursor="one", more=True))
    second = walk.next_call()
    assert isinstance(first, Call)
    assert isinstance(second, Call)
    assert (first.body, second.body) == (b"{}", b'{"cursor":"one"}')


def test_empty_pages_in_between_do_not_end_it() -> None:
    serials, _ = walked([page(cursor="1", more=True), page("A", cursor="2", more=True), page(cursor="3")])
    assert serials == ["A"]


def test_a_last_page_without_a_cursor_keeps_the_one_before() -> None:
    _, walk = walked([page("A", cursor="1", more=True), page("B")])
    assert walk.cursor == "1"


def test_a_last_page_may_repeat_its_cursor() -> None:
    _, walk = walked([page(cursor="same")], cursor="same")
    assert walk.cursor == "same"


@pytest.mark.parametrize(
    "pages",
    [
        [page("A", cursor="start", more=True)],
        [page("A", cursor="1", more=True), page("A", cursor="1", more=True)],
        [page(cursor="1", more=True), page(cursor="2", more=True), page("A", cursor="1", more=True)],
    ],
)
def test_a_cursor_that_came_before_with_more_to_follow_is_malformed(pages: list[DevicePage]) -> None:
    walk = Walk(fetch_devices, "start")
    given = [device for one in pages if walk.next_call() for device in walk.take(one)]
    with pytest.raises(Malformed, match="repeats a cursor"):
        walk.next_call()
    assert given[-1].serial_number == "A"


def test_more_to_follow_without_a_cursor_is_malformed() -> None:
    walk = Walk(fetch_devices, None)
    walk.take(page("A", more=True))
    with pytest.raises(Malformed, match="sends no cursor"):
        walk.next_call()


def test_empty_pages_without_end_are_malformed() -> None:
    walk = Walk(fetch_devices, None)
    for number in range(EMPTY_PAGES):
        assert walk.next_call()
        walk.take(page(cursor=str(number), more=True))
    with pytest.raises(Malformed, match=f"{EMPTY_PAGES} empty pages"):
        walk.next_call()


def test_malformed_entries_are_collected_and_count_as_content() -> None:
    broken = MalformedDevice("A", "why", b"{}")
    walk = Walk(fetch_devices, None)
    for number in range(EMPTY_PAGES + 1):
        walk.take(DevicePage(devices=(), malformed=(broken,), cursor=str(number), more_to_follow=True))
    assert walk.next_call()
    assert walk.malformed == [broken] * (EMPTY_PAGES + 1)


def test_an_exhausted_cursor_ends_the_listing_and_keeps_the_cursor() -> None:
    walk = Walk(fetch_devices, "spent")
    assert walk.next_call()
    walk.refused(Refused("no", code="EXHAUSTED_CURSOR", status=400, endpoint="POST /server/devices"))
    assert walk.next_call() is None
    assert walk.cursor == "spent"


def test_any_other_refusal_is_raised() -> None:
    error = Refused("no", code="EXPIRED_CURSOR", status=400, endpoint="POST /devices/sync")
    with pytest.raises(Refused) as caught:
        Walk(fetch_devices, "old").refused(error)
    assert caught.value is error
