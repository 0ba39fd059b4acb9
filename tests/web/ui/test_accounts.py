"""The pages of the accounts over HTTP: who may do what, what stands at which field, and what is never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adept.accounts.exchange import certificate
from adept.records.accounts import account_details, account_list
from adept.records.audit import AuditQuery, audit_list
from adept.records.passes import PassRecord, pass_list
from adept.simulator.world import FIRST_SERVER
from adept.store.audit import ADEPT
from adept.sync.outcome import PassKind
from adept.web.ui.account import intervals, said_by_apple
from adept.web.ui.pass_chart import pass_chart
from tests.web.conftest import RunningService
from tests.web.ui.conftest import CookieOf, error_of, field_of, text_of
from tests.web.walking import add_account, walk

NEW = "/settings/dep-accounts/new"
TOKEN = f"{NEW}/token?account=hq"


async def portal_gives(service: RunningService, name: str = "hq", server: str = FIRST_SERVER) -> bytes:
    """What Apple's portal hands out for the account's certificate."""
    pem = await certificate(service.store, name, by=ADEPT, now=service.clock)
    service.simulator.simulator.upload_certificate(server, pem)
    return service.simulator.simulator.get_token(server).content


async def test_a_form_for_a_name_sent_twice_makes_one_account_and_goes_on_with_it(
    service: RunningService, cookie_of: CookieOf
) -> None:
    admin = await cookie_of("admin")
    for _ in range(2):
        answer = await service.post(NEW, data={"name": "HQ"}, headers=admin)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{NEW}?account=hq")
    assert [account.name for account in await account_list(service.store)] == ["hq"]
    assert "Go on with one that was begun hq" in text_of((await service.get(NEW, headers=admin)).text)


async def test_the_name_of_an_account_that_is_set_up_is_taken(service: RunningService, cookie_of: CookieOf) -> None:
    await add_account(service)
    answer = await service.post(NEW, data={"name": "hq"}, headers=await cookie_of("admin"))
    assert answer.status_code == 409
    assert error_of(answer.text, "name").startswith("There is already an account 'hq'.")
    assert field_of(answer.text, "name") == "hq"


async def test_the_certificate_is_the_one_of_the_api(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    await service.post(NEW, data={"name": "hq"}, headers=admin)
    got = await service.get(f"{NEW}/certificate?account=hq", headers=admin)
    assert got.headers["content-disposition"] == 'attachment; filename="adept-hq.pem"'
    assert got.content == (await service.get("/api/v1/accounts/hq/certificate", role="admin")).content
    assert 'aria-current="step"' in (await service.get(f"{NEW}?account=hq", headers=admin)).text


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"files": {"file": ("", b"")}}, "Choose the file"),
        ({"data": {"replace_server": "yes"}}, "Choose the file"),  # as it comes after a login
        ({"files": {"file": ("a.cer", b"-----BEGIN CERTIFICATE-----\n")}}, "Uploading a token to account 'hq'"),
        ({"files": {"file": ("a.mov", b"x" * 70_000)}}, "This file is far too large"),
    ],
    ids=["nothing", "no files", "another file", "a film"],
)
async def test_what_is_no_token_is_told_at_the_field(
    service: RunningService, cookie_of: CookieOf, sent: dict[str, object], told: str
) -> None:
    admin = await cookie_of("admin")
    await service.post(NEW, data={"name": "hq"}, headers=admin)
    await service.get(f"{NEW}/certificate?account=hq", headers=admin)
    answer = await service.post(TOKEN, headers=admin, **sent)
    assert answer.status_code == 422
    assert error_of(answer.text, "file").startswith(told)


async def test_another_servers_token_is_taken_when_that_is_ticked_and_what_changed_is_told(
    service: RunningService, cookie_of: CookieOf
) -> None:
    admin = await cookie_of("admin")
    await add_account(service)
    await walk(service)
    service.simulator.simulator.add_server("Lab")
    data = await portal_gives(service, server="Lab")
    refused = await service.post(f"{TOKEN}&renew=true", files={"file": ("lab.p7m", data)}, headers=admin)
    assert refused.status_code == 422
    assert "take the other server below" in error_of(refused.text, "file")
    form = {"file": ("lab.p7m", data), "replace_server": (None, "yes")}
    taken = await service.post(f"{TOKEN}&renew=true", files=form, headers=admin)
    page = text_of((await service.get(taken.headers["location"], headers=admin)).text)
    assert f"The server was {FIRST_SERVER} and is now Lab: 10 devices of the old one were marked as gone." in page


async def test_starting_without_a_token_tells_why_not(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    await service.post(NEW, data={"name": "hq"}, headers=admin)
    answer = await service.post(f"{NEW}/start?account=hq", headers=admin)
    assert answer.status_code == 409
    assert "Account 'hq' has no server token." in text_of(answer.text)


async def test_syncing_is_asked_for_once_and_the_runner_woken(service: RunningService, cookie_of: CookieOf) -> None:
    operator = await cookie_of("operator")
    await add_account(service)
    service.wakes.clear()
    for _ in range(2):
        answer = await service.post("/accounts/hq/passes", data={"kind": "full"}, headers=operator)
        assert answer.headers["location"] == "/accounts/hq?done=full_sync_asked"
    (queued,) = (await pass_list(service.store, "hq")).items
    assert (queued.state, queued.kind, queued.requested_by) == ("queued", "full", "operator")
    assert service.wakes
    await service.post("/accounts/hq/pause", headers=operator)
    paused = await service.post("/accounts/hq/passes", headers=operator)
    assert paused.status_code == 409
    assert "Account 'hq' is paused." in text_of(paused.text)


async def test_a_page_size_that_is_none_is_told_at_the_field(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    await add_account(service)
    version = field_of((await service.get("/accounts/hq", headers=admin)).text, "version")
    form = {"version": version, "interval_s": "900", "page_size": "many"}
    answer = await service.post("/accounts/hq/settings", data=form, headers=admin)
    assert (answer.status_code, error_of(answer.text, "page_size")) == (422, "This is not a number.")
    assert field_of(answer.text, "page_size") == "many"
    done = await service.post("/accounts/hq/settings", data={**form, "page_size": ""}, headers=admin)
    assert done.headers["location"] == "/accounts/hq?done=account_changed"
    assert (await account_details(service.store, "hq")).interval_s == 900


async def test_roles_see_and_do_what_is_theirs(service: RunningService, cookie_of: CookieOf) -> None:
    viewer, operator = await cookie_of("viewer"), await cookie_of("operator")
    await add_account(service)
    await walk(service, kind=PassKind.FULL)
    for path in ("/settings/dep-accounts", "/accounts/hq"):
        assert (await service.get(path, headers=viewer)).status_code == 200
    for path in ("/accounts/hq/passes", "/accounts/hq/pause", "/accounts/hq/resume"):
        assert (await service.post(path, headers=viewer)).status_code == 403
    assert (await service.get(f"{NEW}?account=hq", headers=operator)).status_code == 403
    assert (await service.post("/accounts/hq/remove", data={"confirm": "hq"}, headers=operator)).status_code == 403
    shown = (await service.get("/accounts/hq", headers=operator)).text
    assert "Sync now" in shown
    assert "Remove account" not in shown


async def test_an_account_that_is_not_there_is_an_error_page(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    for path in ("/accounts/nobody", f"{NEW}?account=nobody"):
        answer = await service.get(path, headers=admin)
        assert answer.status_code == 404
        assert "There is no account 'nobody'." in text_of(answer.text)


async def test_a_token_never_reaches_a_page(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    await add_account(service)
    secrets = service.simulator.simulator.token_of()
    pages = [(await service.get(path, headers=admin)).text for path in ("/accounts/hq", f"{NEW}?account=hq")]
    for secret in (secrets.consumer_key, secrets.consumer_secret, secrets.access_token, secrets.access_secret):
        assert all(secret not in page for page in pages)
    entries = (await audit_list(service.store, AuditQuery(subject="hq"))).items
    assert [entry.act for entry in entries] == ["account.token_taken", "account.added"]


def test_everything_that_apple_says_of_an_account_is_shown_also_what_is_new() -> None:
    said = {"zone": {"a": 1}, "org_name": "<b>ACME</b>", "server_name": "MDM"}
    found = [(one.label, one.key, one.value, one.is_json) for one in said_by_apple(said)]
    assert found == [
        ("Organisation", "org_name", "<b>ACME</b>", False),
        ("MDM server", "server_name", "MDM", False),
        ("Zone", "zone", '{\n  "a": 1\n}', True),
    ]


def test_an_interval_that_nobody_offers_is_offered_where_it_is_set() -> None:
    assert ("90", "1 min 30 s") in intervals(90)
    assert len(intervals(1800)) == len(intervals(90)) - 1


async def test_the_chart_has_the_passes_that_have_begun_the_newest_last(service: RunningService) -> None:
    await add_account(service)
    await walk(service)
    (found,) = (await pass_list(service.store, "hq")).items
    passes = [took(found, seconds) for seconds in (3.0, 30.0, 0.0)]
    queued = found.model_copy(update={"state": "queued", "ended_at": None})
    chart = pass_chart([queued, *passes], now=service.clock())
    assert [bar.seconds for bar in chart.bars] == [0.0, 30.0, 3.0]
    assert chart.top_s == 40
    assert [bar.x for bar in chart.bars] == sorted(bar.x for bar in chart.bars)
    assert chart.bars[0].height > 0, "the shortest is seen as well"
    assert pass_chart([], now=service.clock()).bars == ()


def took(found: PassRecord, seconds: float) -> PassRecord:
    """The pass, had it taken so long."""
    return found.model_copy(update={"ended_at": found.started_at + timedelta(seconds=seconds)})
