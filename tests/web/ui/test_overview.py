"""The overview over HTTP: what it says of the accounts, whatever script does with it."""

from __future__ import annotations

from tests.web.walking import add_account, walk


async def test_the_overview_tells_how_the_accounts_are_and_what_they_hold(service):
    await add_account(service)
    await walk(service)
    answer = await service.get("/", role="viewer")
    assert answer.status_code == 200
    for told in ("Everything is all right", "Example MDM", "Devices by family", "iPad", "Changes per day"):
        assert told in answer.text


async def test_an_empty_overview_says_what_to_do_next(service):
    text = (await service.get("/", role="admin")).text
    assert "No DEP accounts yet" in text
    assert "/settings/dep-accounts/new" in text
