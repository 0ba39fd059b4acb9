"""Both clients, each test on both: what they send and give back, and how they share a session."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

import adept
from adept.client import endpoints
from adept.client.exchange import Exchange
from adept.client.session import Session
from adept.errors import Malformed, Misuse, Refused, TokenFileError, TokenRejected, Unreachable
from tests.client.apple import ACCOUNT, UNAUTHORIZED, Apple, Asker, no, yes
from tests.tokens import NOW, SECRETS, TOKEN

UUID = "9145EDB932A42C48A9DD56AD69213C64"


def device(serial: str) -> dict[str, Any]:
    return {"serial_number": serial, "model": "Mac", "profile_status": "empty"}


def page(*serials: str, cursor: str, more: object = False) -> httpx2.Response:
    return yes({"devices": [device(serial) for serial in serials], "cursor": cursor, "more_to_follow": more})


def bodies(apple: Apple, path: str) -> list[Any]:
    return [json.loads(request.content) for request in apple.requests if request.url.path == path]


def test_each_method_gives_its_value(apple: Apple, ask: Asker) -> None:
    profile = {"profile_name": "n", "url": "https://mdm.example.org", "profile_uuid": UUID}
    apple.script("POST /server/devices", page("A", cursor="1"))
    apple.script("POST /devices/sync", page(cursor="2"))
    apple.script("POST /devices", yes({"devices": {"A": device("A"), "B": {"response_status": "NOT_FOUND"}}}))
    apple.script("POST /profile", yes({"profile_uuid": UUID}))
    apple.script("GET /profile", yes(profile))
    apple.script("POST /profile/devices", yes({"profile_uuid": UUID, "devices": {"A": "SUCCESS"}}))
    apple.script("DELETE /profile/devices", yes({"devices": {"A": "SUCCESS"}}))
    apple.script("POST /devices/disown", yes({"devices": {"A": "SUCCESS"}}))
    apple.script("POST /device/activationlock", yes({"serial_number": "A", "response_status": "SUCCESS"}))
    apple.script("GET /os-beta-enrollment/tokens", yes({"betaEnrollmentTokens": [{"token": "t", "os": "iOS"}]}))
    apple.script("GET /device/replacementDetails", yes({"serial_number": "B", "original_device_serial_number": "A"}))
    apple.script("GET /account-driven-enrollment/profile", yes({"mdm_service_discovery_url": "https://x.example"}))
    apple.default = httpx2.Response(200)
    apple.script("GET /account", yes(ACCOUNT))

    assert ask("account").server_name == "hq"
    assert ask("fetch_devices").devices[0].serial_number == "A"
    assert ask("sync_devices", "1").cursor == "2"
    details = ask("device_details", ["a", "b"])
    assert (list(details.found), details.absent) == (["A"], {"B": "NOT_FOUND"})
    assert ask("define_profile", adept.Profile(profile_name="n")).profile_uuid == UUID
    assert ask("profile", UUID).profile_name == "n"
    assert ask("assign_profile", UUID, ["a"]).statuses == {"A": "SUCCESS"}
    assert ask("remove_profile", ["a"]).statuses == {"A": "SUCCESS"}
    assert ask("disown", ["a", "A "], confirm_count=1).statuses == {"A": "SUCCESS"}
    assert ask("activation_lock", "a").response_status == "SUCCESS"
    assert ask("beta_tokens").tokens[0].os == "iOS"
    assert ask("replacement_details", "b").original_device_serial_number == "A"
    assert ask("account_driven_enrollment").mdm_service_discovery_url == "https://x.example"
    assert ask("set_account_driven_enrollment", "https://x.example") is None
    assert ask("delete_account_driven_enrollment") is None
    assert apple.opened == 1
    assert ask.client.requests == 16


def test_a_body_on_delete_goes_out_whole_and_labelled(apple: Apple, ask: Asker) -> None:
    apple.script("DELETE /profile/devices", yes({"devices": {}}))
    ask("remove_profile", ["A"])
    request = apple.requests[-1]
    assert request.content == b'{"devices":["A"]}'
    assert request.headers["Content-Type"] == "application/json;charset=UTF8"


def test_session_is_asked_with_a_signature_of_its_own_each_time(apple: Apple, ask: Asker) -> None:
    ask("account")
    apple.session = "lost"
    ask("account")
    first, second = (request for request in apple.requests if request.url.path == "/session")
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert "X-ADM-Auth-Session" not in second.headers
    assert "Authorization" not in apple.requests[-1].headers


def test_a_session_is_kept_from_call_to_call(apple: Apple, ask: Asker) -> None:
    for _ in range(5):
        ask("account")
    assert apple.asked == ["GET /session", *["GET /account"] * 5]


def test_a_session_that_died_is_renewed_once_in_mid_walk(apple: Apple, ask: Asker) -> None:
    apple.script("POST /server/devices", page("A", cursor="1", more=True), no(*UNAUTHORIZED), page("B", cursor="2"))
    assert [one.serial_number for one in ask("all_devices")] == ["A", "B"]
    assert apple.asked == ["GET /session", *["POST /server/devices"] * 2, "GET /session", "POST /server/devices"]


def test_a_standing_401_stops_after_one_renewal(apple: Apple, ask: Asker) -> None:
    ask("account")
    apple.script("GET /account", *[no(*UNAUTHORIZED)] * 50)
    before = len(apple.requests)
    with pytest.raises(Refused, match="401 UNAUTHORIZED"):
        ask("account")
    assert apple.asked[before:] == ["GET /account", "GET /session", "GET /account"]


@pytest.mark.parametrize("code", ["T_C_NOT_SIGNED", "ACCESS_DENIED", "APPLE_SEED_FOR_IT_TURNED_OFF"])
def test_a_standing_403_that_is_about_us_costs_one_request(apple: Apple, ask: Asker, code: str) -> None:
    ask("account")
    apple.script("GET /account", *[no(403, code)] * 50)
    with pytest.raises(Refused) as caught:
        ask("account")
    assert caught.value.code == code
    assert apple.asked == ["GET /session", "GET /account", "GET /account"]


def test_a_token_that_was_replaced_is_rejected_without_a_repeat(apple: Apple, ask: Asker) -> None:
    apple.script("GET /session", no(401, "signature_invalid"))
    with pytest.raises(TokenRejected) as caught:
        ask("account")
    assert caught.value.code == "signature_invalid"
    assert apple.asked == ["GET /session"]


def test_unsigned_terms_at_session_say_nothing_on_the_token(apple: Apple, ask: Asker) -> None:
    apple.script("GET /session", no(403, "T_C_NOT_SIGNED"))
    with pytest.raises(Refused) as caught:
        ask("account")
    assert type(caught.value) is Refused
    assert ask("account").server_name == "hq"  # it heals by itself


def test_an_expired_token_fails_before_anything_is_sent(apple: Apple, asker: Callable[..., Asker]) -> None:
    ask = asker(now=lambda: TOKEN.access_token_expiry)
    with pytest.raises(TokenRejected) as caught:
        ask("account")
    assert (caught.value.code, caught.value.status) == ("EXPIRED_LOCALLY", 0)
    assert apple.requests == []


def test_a_token_may_expire_during_a_walk(apple: Apple, asker: Callable[..., Asker]) -> None:
    clock = [NOW]

    def last_page(_: httpx2.Request) -> httpx2.Response:
        clock[0] = TOKEN.access_token_expiry
        return page("A", cursor="1", more=True)

    ask = asker(now=lambda: clock[0])
    apple.script("POST /server/devices", last_page)
    listing = ask.client.all_devices()
    with pytest.raises(TokenRejected):
        ask.listed(listing)
    assert listing.cursor == "1"


def test_rolling_sessions_are_followed(apple: Apple, ask: Asker) -> None:
    def roll(_: httpx2.Request) -> httpx2.Response:
        apple.session = f"rolled{len(apple.requests)}"
        return yes(ACCOUNT, X_Adm_Auth_Session=apple.session)

    apple.default = roll
    for _ in range(4):
        ask("account")
    sent = [request.headers.get("X-ADM-Auth-Session") for request in apple.requests]
    assert sent == [None, "s1", "rolled2", "rolled3", "rolled4"]


def test_a_new_session_token_on_an_error_is_used_from_then_on(apple: Apple, ask: Asker) -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        apple.session = "from an error"
        return no(403, "ACCESS_DENIED", X_ADM_Auth_Session="from-an-error")

    apple.script("GET /account", refuse)
    with pytest.raises(Refused):
        ask("account")
    apple.session = "from-an-error"
    ask("account")
    assert apple.opened == 1


def test_a_session_that_was_rolled_on_and_died_is_opened_anew(apple: Apple, ask: Asker) -> None:
    """Seen against the hostile simulator: what rolled it on may have come with another caller's answer."""
    apple.script("GET /account", no(401, "UNAUTHORIZED", X_ADM_Auth_Session="as-dead-as-the-one-before"))
    assert ask("account").server_name == "hq"
    assert apple.asked == ["GET /session", "GET /account", "GET /session", "GET /account"]


def test_waits_are_slept_and_counted(apple: Apple, asker: Callable[..., Asker]) -> None:
    ask = asker(wait_budget_s=30)
    apple.script("GET /account", no(429, "TOO_MANY_REQUESTS", Retry_After="10"), no(503, Retry_After="15"))
    assert ask("account").server_name == "hq"
    assert ask.waits.seconds == [10, 15]
    assert (ask.client.waited_s, ask.client.requests) == (25, 4)


def test_the_budget_is_read_at_the_start_of_each_call(apple: Apple, ask: Asker) -> None:
    apple.script("GET /account", *[no(429, "TOO_MANY_REQUESTS", Retry_After="10")] * 2)
    with pytest.raises(Refused) as caught:
        ask("account")
    assert (caught.value.retry_after_s, ask.waits.seconds) == (10, [])
    ask.client.wait_budget_s = 10
    assert ask("account").server_name == "hq"


def test_post_is_tried_first_and_put_once_after_405(apple: Apple, ask: Asker) -> None:
    apple.script("POST /profile/devices", no(405))
    apple.script("PUT /profile/devices", yes({"devices": {"A": "SUCCESS"}}))
    assert ask("assign_profile", UUID, ["A"]).statuses == {"A": "SUCCESS"}
    assert apple.asked[1:] == ["POST /profile/devices", "PUT /profile/devices"]


def test_put_can_be_chosen(apple: Apple, asker: Callable[..., Asker]) -> None:
    ask = asker(assign_method="PUT")
    apple.script("PUT /profile/devices", yes({"devices": {"A": "SUCCESS"}}))
    ask("assign_profile", UUID, ["A"])
    assert apple.asked == ["GET /session", "PUT /profile/devices"]


@pytest.mark.parametrize("method", ["disown", "define_profile"])
def test_disown_and_define_are_never_repeated_where_they_may_have_happened(
    apple: Apple, asker: Callable[..., Asker], method: str
) -> None:
    ask = asker(wait_budget_s=1000)
    endpoint = {"disown": "POST /devices/disown", "define_profile": "POST /profile"}[method]
    apple.script(endpoint, no(503, Retry_After="1"))
    arguments: dict[str, Any] = {"serials": ["A"], "confirm_count": 1}
    if method == "define_profile":
        arguments = {"profile": adept.Profile(profile_name="n")}
    with pytest.raises(Unreachable) as caught:
        ask(method, **arguments)
    assert caught.value.may_have_happened
    assert apple.asked.count(endpoint) == 1


def test_disown_is_replayed_once_where_the_session_was_dead(apple: Apple, ask: Asker) -> None:
    apple.script("POST /devices/disown", no(*UNAUTHORIZED), yes({"devices": {"A": "SUCCESS"}}))
    assert ask("disown", ["A"], confirm_count=1).statuses == {"A": "SUCCESS"}


@pytest.mark.parametrize("count", [0, 1, 3, True, None])
def test_disown_wants_the_number_of_devices(apple: Apple, ask: Asker, count: Any) -> None:
    with pytest.raises(Misuse, match="2 devices"):
        ask("disown", ["a", "A", "b", ""], confirm_count=count)
    assert apple.requests == []


@pytest.mark.parametrize("count", [1, 1000, 1001, 2500])
def test_long_lists_are_sent_in_thousands_and_joined(apple: Apple, ask: Asker, count: int) -> None:
    def assign(request: httpx2.Request) -> httpx2.Response:
        return yes({"devices": dict.fromkeys(json.loads(request.content)["devices"], "SUCCESS")})

    apple.default = assign
    serials = [f"s{number}" for number in range(count)]
    result = ask("assign_profile", UUID, [*serials, *serials, " "])
    assert list(result.statuses) == [serial.upper() for serial in serials]
    assert [len(body["devices"]) for body in bodies(apple, "/profile/devices")] == [
        min(1000, count - start) for start in range(0, count, 1000)
    ]


@pytest.mark.parametrize("method", ["device_details", "remove_profile", "assign_profile"])
def test_no_serials_are_misuse(apple: Apple, ask: Asker, method: str) -> None:
    arguments = [UUID] if method == "assign_profile" else []
    with pytest.raises(Misuse):
        ask(method, *arguments, ["", " "])
    assert apple.requests == []


def test_what_earlier_thousands_brought_is_kept_by_the_error_of_a_later_one(apple: Apple, ask: Asker) -> None:
    apple.script("DELETE /profile/devices", yes({"devices": {"S0": "SUCCESS"}}), no(500))
    with pytest.raises(Unreachable) as caught:
        ask("remove_profile", [f"S{number}" for number in range(1001)])
    assert caught.value.partial.statuses == {"S0": "SUCCESS"}


def test_an_error_of_the_first_thousand_has_nothing_to_keep(apple: Apple, ask: Asker) -> None:
    apple.script("POST /devices", no(500))
    with pytest.raises(Unreachable) as caught:
        ask("device_details", ["A"])
    assert caught.value.partial is None


def test_all_devices_come_in_order_and_end_with_the_cursor_for_sync(apple: Apple, ask: Asker) -> None:
    apple.script("POST /server/devices", page("A", "B", cursor="1", more="true"), page("C", cursor="2", more="false"))
    listing = ask.client.all_devices()
    assert [one.serial_number for one in ask.listed(listing)] == ["A", "B", "C"]
    assert (listing.cursor, listing.pages, listing.malformed) == ("2", 2, [])
    assert bodies(apple, "/server/devices") == [{"limit": 1000}, {"cursor": "1", "limit": 1000}]


def test_a_listing_asks_for_no_page_before_it_is_needed(apple: Apple, ask: Asker) -> None:
    ask.client.all_devices()
    ask.client.all_changes("c")
    assert apple.requests == []


def test_a_device_that_cannot_be_read_costs_itself_and_is_shown(apple: Apple, ask: Asker) -> None:
    apple.script("POST /server/devices", yes({"devices": [device("A"), {"serial_number": 5}], "cursor": "1"}))
    listing = ask.client.all_devices()
    assert [one.serial_number for one in ask.listed(listing)] == ["A"]
    assert len(listing.malformed) == 1


def test_all_changes_follow_the_cursor(apple: Apple, ask: Asker) -> None:
    apple.script("POST /devices/sync", page("A", cursor="2", more=True), page("A", cursor="3"))
    listing = ask.client.all_changes("1", limit=50)
    assert [one.serial_number for one in ask.listed(listing)] == ["A", "A"]
    assert listing.cursor == "3"
    assert bodies(apple, "/devices/sync") == [{"cursor": "1", "limit": 50}, {"cursor": "2", "limit": 50}]


@pytest.mark.parametrize(("method", "path"), [("all_devices", "/server/devices"), ("all_changes", "/devices/sync")])
def test_an_exhausted_cursor_ends_a_listing(apple: Apple, ask: Asker, method: str, path: str) -> None:
    apple.script(f"POST {path}", no(400, '"EXHAUSTED_CURSOR"'))
    assert ask(method, "spent") == []


def test_an_expired_cursor_is_raised(apple: Apple, ask: Asker) -> None:
    apple.script("POST /devices/sync", no(400, "EXPIRED_CURSOR"))
    with pytest.raises(Refused) as caught:
        ask("all_changes", "old")
    assert caught.value.code == "EXPIRED_CURSOR"
    assert caught.value.way_out == "fetch all devices again"


def test_a_repeated_cursor_ends_a_listing_with_malformed_after_its_devices(apple: Apple, ask: Asker) -> None:
    apple.default = page("A", cursor="same", more=True)
    with pytest.raises(Malformed, match="repeats a cursor"):
        ask("all_changes", "first")
    assert len(bodies(apple, "/devices/sync")) == 2


@pytest.mark.parametrize(("method", "arguments"), [("all_devices", []), ("all_changes", ["c"])])
def test_a_wrong_limit_is_told_at_once(ask: Asker, method: str, arguments: list[str]) -> None:
    with pytest.raises(Misuse, match="1 to 1000"):
        getattr(ask.client, method)(*arguments, limit=1001)


@pytest.mark.parametrize("cursor", ["", None])
def test_changes_without_a_cursor_are_misuse_at_once(ask: Asker, cursor: Any) -> None:
    with pytest.raises(Misuse, match="cursor"):
        ask.client.all_changes(cursor)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<html>Sign in</html>"),
        httpx2.Response(200, text='{"devices": [{"serial_number": "A"'),
        httpx2.Response(200, text='["A"]'),
        httpx2.Response(200, text=""),
        httpx2.Response(200, text='{"devices": {"A": 1}}'),
    ],
)
def test_an_answer_of_another_shape_is_malformed_and_asked_for_once(
    apple: Apple, ask: Asker, answer: httpx2.Response
) -> None:
    apple.script("POST /server/devices", answer)
    with pytest.raises(Malformed) as caught:
        ask("fetch_devices")
    assert caught.value.endpoint == "POST /server/devices"
    assert apple.asked.count("POST /server/devices") == 1


@pytest.mark.parametrize("label", ["application/json;charset=UTF8", "text/plain;Charset=UTF8", "x/y;charset=nonsense"])
def test_no_charset_label_makes_a_body_unreadable(apple: Apple, ask: Asker, label: str) -> None:
    body = json.dumps({"server_name": "Zürich 🏫"}, ensure_ascii=False).encode()
    apple.script("GET /account", httpx2.Response(200, content=body, headers={"Content-Type": label}))
    assert ask("account").server_name == "Zürich 🏫"


def test_a_call_as_sent_gives_apples_bytes(apple: Apple, ask: Asker) -> None:
    body = b'{"server_name" : "hq", "new": 1}\n'
    apple.script("GET /account", httpx2.Response(200, content=body))
    assert ask("send", endpoints.as_sent(endpoints.account())) == body


def test_two_clients_of_one_token_can_share_a_session(apple: Apple, asker: Callable[..., Asker]) -> None:
    first = asker()
    second = asker(session=first.client.session)
    first("account")
    second("account")
    assert apple.opened == 1
    assert second.client.requests == 1


def test_two_clients_that_do_not_share_open_one_each_and_both_go_on(apple: Apple, asker: Callable[..., Asker]) -> None:
    first, second = asker(), asker()
    for _ in range(3):
        first("account")
        second("account")
    assert apple.opened > 2  # this Apple keeps only the newest session; each call still took one renewal at most


def test_the_token_can_come_from_a_file(client_kind: str, tmp_path: Path) -> None:
    kind: Any = adept.Client if client_kind == "threads" else adept.AsyncClient
    file = tmp_path / "token.json"
    file.write_bytes(TOKEN.to_json())
    assert kind.from_token_file(file, user_agent="acme/1").setup.token == TOKEN
    with pytest.raises(TokenFileError):
        kind.from_token_file(tmp_path / "none.json")


def test_no_secret_is_in_a_repr_a_log_or_an_error(apple: Apple, ask: Asker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask.client.wait_budget_s = 10
    apple.script("GET /account", no(429, "TOO_MANY_REQUESTS", Retry_After="1"), no(*UNAUTHORIZED), no(*UNAUTHORIZED))
    with pytest.raises(Refused) as caught:
        ask("account")
    told = [msgspec.json.encode({key: str(value) for key, value in vars(record).items()}) for record in caplog.records]
    shown = f"{ask.client!r} {caught.value!r} {caught.value} {b' '.join(told).decode()}"
    sent = [request.headers.get("X-ADM-Auth-Session", "s9") for request in apple.requests]
    signatures = [request.headers.get("Authorization", "OAuth ")[6:] or "no signature" for request in apple.requests]
    assert not any(secret in shown for secret in (*SECRETS, *signatures))
    assert not any(f"'{token}'" in shown or f'"{token}"' in shown for token in sent)
    assert "waiting as Apple asked" in shown
    assert "session opened" in shown


def test_a_hook_is_told_each_exchange_as_it_was(apple: Apple, asker: Callable[..., Asker]) -> None:
    told: list[Exchange] = []
    ask = asker(record=told.append)
    ask("account")
    assert [(one.request.method, one.request.path, one.answer.status) for one in told] == [
        ("GET", "/session", 200),
        ("GET", "/account", 200),
    ]
    assert told[1].request.headers["X-ADM-Auth-Session"] == "s1"
    assert "s1" not in repr(told[1])


def test_closing_ends_what_a_client_can_do(client_kind: str, apple: Apple) -> None:
    ask = Asker(client_kind, apple)
    if client_kind == "threads":
        with ask.client as client:
            ask("account")
        with pytest.raises(Misuse, match="closed"):
            client.account()
        ask._runner.close()
        return

    async def use() -> None:
        async with ask.client as client:
            await client.account()
        with pytest.raises(Misuse, match="closed"):
            await client.account()

    ask._runner.run(use())
    ask._runner.close()


@pytest.mark.parametrize("kind", [adept.Client, adept.AsyncClient])
def test_http_must_be_something_of_httpx2(kind: Any) -> None:
    with pytest.raises(Misuse, match="httpx2"):
        kind(TOKEN, http="http://proxy:8080")


def test_a_foreign_http_client_is_used_and_left_open(apple: Apple) -> None:
    with httpx2.Client(transport=httpx2.MockTransport(apple), headers={"X-Corporate": "yes"}, auth=("u", "p")) as http:
        with adept.Client(TOKEN, http=http, now=lambda: NOW) as client:
            client.account()
        assert not http.is_closed
    assert apple.requests[-1].headers["X-Corporate"] == "yes"
    assert "Authorization" not in apple.requests[-1].headers
    assert apple.requests[0].headers["Authorization"].startswith("OAuth ")


async def test_a_foreign_async_http_client_is_used_and_left_open(apple: Apple) -> None:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(apple)) as http:
        async with adept.AsyncClient(TOKEN, http=http, now=lambda: NOW) as client:
            await client.account()
        assert not http.is_closed


class Together(Apple):
    """Holds back the first answer to each of twenty callers until all have asked, so that all find the session dead."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Barrier(20)
        self.armed = False

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        stale = self.armed and request.headers.get("X-ADM-Auth-Session") == "stale"
        if stale:
            self.gate.wait(timeout=20)
        return super().__call__(request)


def test_twenty_threads_with_a_stale_session_open_exactly_one_new_one() -> None:
    apple = Together()
    session = Session()
    session.start("stale")
    apple.armed = True
    with (
        adept.Client(TOKEN, http=httpx2.MockTransport(apple), session=session, now=lambda: NOW) as client,
        ThreadPoolExecutor(20) as pool,
    ):
        accounts = list(pool.map(lambda _: client.account(), range(20)))
    assert [account.server_name for account in accounts] == ["hq"] * 20
    assert apple.opened == 1
    assert client.requests == 41


async def test_twenty_tasks_with_a_stale_session_open_exactly_one_new_one(apple: Apple) -> None:
    session = Session()
    session.start("stale")
    everybody = asyncio.Event()
    waiting = 0

    async def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal waiting
        if request.headers.get("X-ADM-Auth-Session") == "stale":
            waiting += 1
            if waiting == 20:
                everybody.set()
            await everybody.wait()
        return apple(request)

    async with adept.AsyncClient(TOKEN, http=httpx2.MockTransport(answer), session=session, now=lambda: NOW) as client:
        accounts = await asyncio.gather(*(client.account() for _ in range(20)))
    assert [account.server_name for account in accounts] == ["hq"] * 20
    assert apple.opened == 1
    assert client.requests == 41


async def test_a_cancelled_renewal_leaves_the_session_to_the_next_caller(apple: Apple) -> None:
    begun = asyncio.Event()
    hold = True

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/session" and hold:
            begun.set()
            await asyncio.Event().wait()
        return apple(request)

    async with adept.AsyncClient(TOKEN, http=httpx2.MockTransport(answer), now=lambda: NOW) as client:
        first = asyncio.create_task(client.account())
        await begun.wait()
        second = asyncio.create_task(client.account())
        hold = False
        first.cancel()
        assert (await second).server_name == "hq"
    assert first.cancelled()


def test_importing_adept_costs_no_heavy_import_and_names_everything() -> None:
    assert "Client" in dir(adept)
    assert all(getattr(adept, name) is not None for name in adept.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = adept.nonsense
