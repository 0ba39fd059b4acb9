"""`adept accounts sync` and `holds`: passes that end well, badly, or with a question; and busy accounts."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adept.cli.failures import describe
from adept.cli.pass_ends import Ended
from adept.cli.storage import utc_now
from adept.errors import AdeptError
from adept.records.passes import one_pass
from adept.simulator.running import Running
from adept.store.accounts import account_named
from adept.store.database import Store, open_store
from adept.store.leases import release
from adept.store.passes import start_pass, update_pass
from adept.sync.lease import Lease, held_lease
from tests.cli.conftest import Ran, Run

pytestmark = pytest.mark.usefixtures("desk")


def test_a_pass_is_one_object(adept: Run, apple: Running, hq: str) -> None:
    apple.simulator.buy(5)
    done = adept("accounts", "sync", hq, "--json").json
    assert (done["account"], done["kind"], done["state"], done["added"]) == ("hq", "full", "done", 5)
    assert done["error"] is None
    again = adept("accounts", "sync", hq, "--json").json
    assert (again["kind"], again["added"]) == ("sync", 0)


def test_a_full_sync_fetches_everything_again(adept: Run, apple: Running, hq: str) -> None:
    apple.simulator.buy(5)
    adept("accounts", "sync", hq)
    done = adept("accounts", "sync", hq, "--full", "--json").json
    assert (done["kind"], done["devices"], done["added"]) == ("full", 5, 0)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("forbidden_t_c_not_signed", 3),
        ("internal_server_error", 4),
        ("success_html", 5),
        ("repeat_cursor", 5),
    ],
)
def test_a_pass_that_apple_ends_is_told_and_exits_with_the_reason(
    adept: Run, apple: Running, hq: str, word: str, code: int
) -> None:
    apple.simulator.buy(2500)
    apple.simulator.fault("post_server_devices", word, count=100, after=1)
    ran = adept("accounts", "sync", hq, "--json")
    assert ran.code == code
    assert ran.json["state"] == "failed"
    assert ran.json["pages"] >= 1
    assert ran.json["error_code"] == ran.error["code"]
    assert adept("devices", "list", "--json").json["items"]  # what came before the error is kept


def test_a_throttled_pass_says_when_it_goes_on(adept: Run, apple: Running, hq: str) -> None:
    apple.simulator.fault("post_server_devices", "service_unavailable")
    ran = adept("accounts", "sync", hq, "--json")
    assert (ran.code, ran.json["state"]) == (4, "throttled")


def test_a_revoked_token_is_told(adept: Run, apple: Running, hq: str) -> None:
    apple.simulator.revoke_token()
    assert adept("accounts", "sync", hq).code == 3
    assert adept("accounts", "show", hq, "--json").json["health"] == "rejected"


@pytest.fixture
def held(adept: Run, apple: Running, hq: str) -> int:
    """A hold: a fetch that showed less than half, and Apple knew none of the rest when asked."""
    apple.simulator.buy(40)
    adept("accounts", "sync", hq)
    apple.simulator.fault("post_server_devices", "truncated_fetch")
    apple.simulator.fault("post_devices", "not_found")
    ran = adept("accounts", "sync", hq, "--full", "--json")
    assert (ran.code, ran.error["code"]) == (8, "needs_person")
    found = re.search(r"--discard (\d+)", ran.error["way_out"])
    assert found is not None
    return int(found[1])


def test_too_many_deletions_wait_for_a_person_who_confirms(adept: Run, hq: str, held: int) -> None:
    [hold] = adept("accounts", "holds", hq, "--json").json["items"]
    assert (hold["id"], hold["state"], hold["devices"], hold["live_devices"]) == (held, "open", 20, 40)
    assert len(hold["serial_numbers"]) == 20
    assert adept("accounts", "holds", hq).out.splitlines()[1].startswith(f"{held}   open")
    assert adept("accounts", "show", hq, "--json").json["health"] == "held"
    ran = adept("accounts", "holds", hq, "--confirm", held)
    assert ran.out == f"Hold {held} is confirmed; 20 devices were deleted.\n"
    assert len(adept("devices", "list", "--json").json["items"]) == 20
    assert len(adept("devices", "list", "--deleted", "--json").json["items"]) == 20


def test_or_who_discards_them(adept: Run, hq: str, held: int) -> None:
    ran = adept("accounts", "holds", hq, "--discard", held, "--json")
    assert ran.json == {"id": held, "state": "discarded", "deleted": 0}
    assert len(adept("devices", "list", "--json").json["items"]) == 40


def test_a_hold_is_decided_once_and_by_its_number(adept: Run, hq: str, held: int) -> None:
    assert adept("accounts", "holds", hq, "--confirm", held, "--discard", held).code == 2
    assert adept("accounts", "holds", hq, "--confirm", held + 1).code == 2
    assert adept("accounts", "holds", hq, "--discard", held).code == 0
    assert adept("accounts", "holds", hq, "--confirm", held).code == 2


def test_an_account_without_holds_says_so(adept: Run, hq: str) -> None:
    assert adept("accounts", "holds", hq).out == "There are no holds.\n"


@pytest.fixture
async def walked(hq: str, environment: dict[str, str]) -> AsyncIterator[tuple[Store, Lease, int]]:
    """An account that another process walks: its lease, and its pass that runs."""
    data = Path(environment["ADEPT_DATA_DIR"])
    url = f"sqlite:///{data / 'adept.sqlite3'}"
    async with open_store(url, secret_keys=None, data_dir=data, migrate=False) as store:
        async with store.reading() as tx:
            account = await account_named(tx, hq)
        async with held_lease(store, account.id, account.name, now=utc_now, holder="another process") as lease:
            async with store.writing() as tx:
                row = await start_pass(tx, account.id, kind="sync", lease_epoch=lease.epoch, now=utc_now())
            yield store, lease, row.id


async def end_pass(store: Store, lease: Lease, pass_id: int, **columns: object) -> None:
    """What the other process does when it has come to an end."""
    async with store.writing() as tx:
        await update_pass(tx, pass_id, ended_at=utc_now(), **columns)
        await release(tx, lease.account_id, lease.epoch)


async def test_a_busy_account_exits_9_where_nobody_wants_to_wait(
    adept_process: Run, walked: tuple[Store, Lease, int]
) -> None:
    ran = adept_process("accounts", "sync", "hq", "--no-wait", "--json")
    assert (ran.code, ran.error["code"], ran.out) == (9, "busy", "")


async def test_a_busy_account_is_followed_to_the_end_of_that_pass(
    walked: tuple[Store, Lease, int], spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    store, lease, pass_id = walked
    process = spawn("accounts", "sync", "hq", "--json")
    assert process.stderr is not None
    assert "following it" in process.stderr.readline()
    await end_pass(store, lease, pass_id, state="failed", error_code="T_C_NOT_SIGNED", error="terms; sign them")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert (Ran(3, out, err).json["id"], Ran(3, out, err).json["state"]) == (pass_id, "failed")
    assert Ran(3, out, err).error["code"] == "T_C_NOT_SIGNED"


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"state": "done"}, 0),
        ({"state": "failed", "error_code": "FORBIDDEN", "error": "no"}, 3),
        ({"state": "throttled", "error_code": "unreachable", "error": "no answer"}, 4),
        ({"state": "failed", "error_code": "malformed", "error": "a web page"}, 5),
        ({"state": "failed"}, 3),
        ({"state": "lost"}, 9),
    ],
)
async def test_what_another_process_came_to_decides_the_exit_code(
    walked: tuple[Store, Lease, int], columns: dict[str, object], code: int
) -> None:
    store, lease, pass_id = walked
    await end_pass(store, lease, pass_id, **columns)
    ended = Ended(await one_pass(store, pass_id), hold=None)
    if code == 0:
        ended.raise_if_not_well()
        return
    with pytest.raises(AdeptError) as caught:
        ended.raise_if_not_well()
    assert describe(caught.value).exit_code == code
