"""The exchange with Apple's portal, from the certificate to the renewed token."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adept.accounts.exchange import certificate, upload_token
from adept.accounts.registry import add, remove
from adept.accounts.tokens import active_token, promote_candidate
from adept.errors import Misuse, NeedsPerson, Refused, TokenFileError, TokenRejected
from adept.protocol.keypair import generate_keypair
from adept.protocol.p7m_seal import seal_server_token
from adept.store import keypairs, tokens
from adept.store.audit import ADEPT
from tests.sync.apple import ACCOUNT, FETCH, SYNC, T0, device, page, refusal, server_token

OTHER_SERVER = {"server_name": "Lab", "server_uuid": "CD" * 16, "org_name": "Labs Inc."}


async def sealed(desk, token=None, *, name="hq"):
    return seal_server_token(
        token or server_token("new"), await certificate(desk.store, name, by=ADEPT, now=desk.clock)
    )


async def upload(desk, data, **settings):
    return await upload_token(desk.store, "hq", data, connect=desk.apple.connect, by=ADEPT, now=desk.clock, **settings)


async def active_key(desk, name="hq"):
    active = await active_token(desk.store, (await desk.account(name)).id)
    return active.secret.consumer_key if active else None


async def keypair_states(desk):
    async with desk.store.reading() as tx:
        return [row.state for row in reversed(await keypairs.keypairs_of(tx, (await desk.account()).id))]


async def token_states(desk):
    async with desk.store.reading() as tx:
        return [row.state for row in reversed(await tokens.tokens_of(tx, (await desk.account()).id))]


async def with_devices(desk):
    desk.apple.say(FETCH, page(device("A1"), device("B2"), cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()


async def test_the_certificate_is_the_same_until_its_token_was_accepted(desk):
    first = await certificate(desk.store, "hq", by=ADEPT, now=desk.clock)
    assert await certificate(desk.store, "hq", by=ADEPT, now=desk.clock) == first
    outcome = await upload(desk, seal_server_token(server_token("new"), first))
    assert outcome.is_active
    assert await certificate(desk.store, "hq", by=ADEPT, now=desk.clock) != first
    assert await keypair_states(desk) == ["active", "staged"]


async def test_a_token_for_the_active_keypair_is_accepted_again(desk):
    first = await certificate(desk.store, "hq", by=ADEPT, now=desk.clock)
    await upload(desk, seal_server_token(server_token("one"), first))
    await certificate(desk.store, "hq", by=ADEPT, now=desk.clock)
    await upload(desk, seal_server_token(server_token("two"), first))
    assert await active_key(desk) == "CK_two"
    assert await keypair_states(desk) == ["active", "staged"]


async def test_a_new_keypair_retires_the_old_one_and_keeps_it(desk):
    await upload(desk, await sealed(desk, server_token("one")))
    await upload(desk, await sealed(desk, server_token("two")))
    assert await keypair_states(desk) == ["retired", "active"]


async def test_renewal_for_the_same_server_keeps_devices_and_cursor(desk):
    await with_devices(desk)
    before = await desk.account()
    await upload(desk, await sealed(desk))
    after = await desk.account()
    assert (after.cursor, after.phase, after.cursor_at) == (before.cursor, before.phase, before.cursor_at)
    assert await desk.live() == {"A1", "B2"}
    assert await active_key(desk) == "CK_new"
    assert await token_states(desk) == ["retired", "active"]
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.sync()
    assert desk.apple.cursors_sent(SYNC)[-1] == "s0"


async def test_a_changed_consumer_key_of_the_same_server_is_accepted_with_a_remark(desk):
    outcome = await upload(desk, await sealed(desk, server_token("somebody-else")))
    assert outcome.is_active
    assert any("consumer key changed" in remark for remark in outcome.remarks)


async def test_another_servers_token_is_refused_with_both_names_and_the_old_pair_still_works(desk):
    await upload(desk, await sealed(desk, server_token("hq")))
    await with_devices(desk)
    desk.apple.identity = OTHER_SERVER
    with pytest.raises(TokenFileError, match=r'"Lab" of Labs Inc.*"HQ".*the old token still works'):
        await upload(desk, await sealed(desk, server_token("lab")))
    assert await active_key(desk) == "CK_hq"
    assert await keypair_states(desk) == ["active", "staged"]
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.sync()
    assert await desk.live() == {"A1", "B2"}


async def test_replacing_the_server_buries_its_devices_with_that_reason_and_fetches_anew(desk):
    await with_devices(desk)
    desk.apple.identity = OTHER_SERVER
    outcome = await upload(desk, await sealed(desk, server_token("lab")), replace_server=True)
    assert outcome.deleted_devices == 2
    assert any("fetched anew" in remark for remark in outcome.remarks)
    assert await desk.dead() == {"A1": "server_replaced", "B2": "server_replaced"}
    account = await desk.account()
    assert (account.phase, account.cursor, account.server_uuid) == ("fetch", None, "cd" * 16)
    desk.apple.say(FETCH, page(device("C3"), cursor="l0"))
    desk.apple.say(SYNC, page(cursor="l0"))
    await desk.sync()
    assert await desk.live() == {"C3"}


async def test_a_walker_in_the_middle_of_a_page_loses_its_lease_when_the_server_is_replaced(desk):
    await with_devices(desk)

    async def replaced_meanwhile():
        desk.apple.identity = OTHER_SERVER
        await upload(desk, await sealed(desk, server_token("lab")), replace_server=True)
        return page(device("OLD", op_type="added", op_date="2026-11-21T09:30:00Z"), cursor="s1")

    desk.apple.say(SYNC, replaced_meanwhile)
    outcome = await desk.walk()
    assert outcome.state == "lost"
    assert await desk.live() == set()
    assert (await desk.account()).cursor is None


@pytest.mark.parametrize(
    ("answer", "word"),
    [(refusal("T_C_NOT_SIGNED", 403), "T_C_NOT_SIGNED"), (refusal("", 503), "503"), (refusal("<html>", 200), "answer")],
)
async def test_a_token_that_can_not_be_asked_about_waits_as_candidate_and_is_promoted_later(desk, answer, word):
    desk.apple.say(ACCOUNT, answer, answer)
    outcome = await upload(desk, await sealed(desk))
    assert not outcome.is_active
    assert word in str(outcome.waits_for)
    assert await token_states(desk) == ["active", "candidate"]
    assert await active_key(desk) == "CK_hq"
    account = await desk.account()
    assert await promote_candidate(desk.store, account.id, connect=desk.apple.connect, now=desk.clock) is not None
    assert await token_states(desk) == ["active", "candidate"]
    await with_devices(desk)
    assert await active_key(desk) == "CK_new"
    assert await token_states(desk) == ["retired", "active"]
    assert await keypair_states(desk) == ["active"]


async def test_a_first_token_that_waits_leaves_the_account_with_the_word_for_it(desk):
    await add(desk.store, "new", base_url="https://apple.example", by=ADEPT, now=desk.clock, connect=desk.apple.connect)
    data = await sealed(desk, name="new")
    desk.apple.say("/session", refusal("T_C_NOT_SIGNED", 403), refusal("T_C_NOT_SIGNED", 403))
    await upload_token(desk.store, "new", data, connect=desk.apple.connect, by=ADEPT, now=desk.clock)
    assert (await desk.account("new")).health == "terms_not_signed"
    with pytest.raises(Refused) as raised:
        await desk.walk(name="new")
    assert raised.value.code == "T_C_NOT_SIGNED"
    desk.apple.say(FETCH, page(cursor="n0"))
    desk.apple.say(SYNC, page(cursor="n0"))
    assert (await desk.walk(name="new")).error is None
    assert (await desk.account("new")).health == "ok"


async def test_a_candidate_of_another_server_is_given_up_with_the_reason(desk):
    desk.apple.say(ACCOUNT, refusal("", 503))
    await upload(desk, await sealed(desk))
    desk.apple.identity = OTHER_SERVER
    await with_devices(desk)
    async with desk.store.reading() as tx:
        newest = (await tokens.tokens_of(tx, (await desk.account()).id))[0]
    assert newest.state == "retired"
    assert "Lab" in (newest.reason or "")
    assert await active_key(desk) == "CK_hq"


async def test_a_newer_upload_replaces_a_waiting_candidate(desk):
    desk.apple.say(ACCOUNT, refusal("", 503), refusal("", 503))
    await upload(desk, await sealed(desk, server_token("one")))
    await upload(desk, await sealed(desk, server_token("two")))
    assert await token_states(desk) == ["active", "retired", "candidate"]


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_token_that_apple_rejects_changes_nothing(desk, status):
    data = await sealed(desk)
    desk.apple.say("/session", refusal("", status))
    with pytest.raises(TokenRejected):
        await upload(desk, data)
    assert await active_key(desk) == "CK_hq"
    assert await token_states(desk) == ["active"]
    assert await keypair_states(desk) == ["staged"]


async def test_a_token_whose_time_is_over_is_refused_without_asking_apple(desk):
    data = await sealed(desk, server_token("old", expires=T0 - timedelta(days=1)))
    desk.apple.asked.clear()
    with pytest.raises(TokenFileError, match="ended on 2026-11-20"):
        await upload(desk, data)
    assert desk.apple.asked == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"x" * 5_000_000, "65,536 at most"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "an image"),
        (server_token("plain").to_json(), "already"),
    ],
)
async def test_a_file_that_is_no_encrypted_token_is_refused_in_a_sentence_and_changes_nothing(desk, data, sentence):
    await certificate(desk.store, "hq", by=ADEPT, now=desk.clock)
    with pytest.raises(TokenFileError, match=sentence):
        await upload(desk, data)
    assert await active_key(desk) == "CK_hq"


async def test_a_tampered_or_cut_token_is_refused(desk):
    good = await sealed(desk)
    middle = len(good) // 2
    for bad in (
        good[:middle],
        good[:middle] + (b"A" if good[middle : middle + 1] != b"A" else b"B") * 40 + good[middle + 40 :],
    ):
        with pytest.raises(TokenFileError):
            await upload(desk, bad)
    assert await active_key(desk) == "CK_hq"


async def test_a_token_for_a_key_we_do_not_hold_is_refused_and_taken_with_that_key(desk):
    stranger = generate_keypair("stranger", now=T0)
    data = seal_server_token(server_token("moved"), stranger.certificate_pem)
    await certificate(desk.store, "hq", by=ADEPT, now=desk.clock)
    with pytest.raises(TokenFileError, match="doesn't open it"):
        await upload(desk, data)
    await upload(desk, data, key=stranger.private_key_pem)
    assert await active_key(desk) == "CK_moved"
    await upload(desk, seal_server_token(server_token("again"), stranger.certificate_pem))
    assert await active_key(desk) == "CK_again"


async def test_the_same_key_brought_twice_is_kept_once(desk):
    stranger = generate_keypair("stranger", now=T0)
    for name in ("one", "two"):
        data = seal_server_token(server_token(name), stranger.certificate_pem)
        await upload(desk, data, key=stranger.private_key_pem)
    assert await keypair_states(desk) == ["active"]


async def test_a_key_that_was_brought_for_a_token_that_failed_is_not_kept(desk):
    stranger = generate_keypair("stranger", now=T0)
    desk.apple.say("/session", refusal("token_rejected", 401))
    with pytest.raises(TokenRejected):
        await upload(desk, seal_server_token(server_token("x"), stranger.certificate_pem), key=stranger.private_key_pem)
    assert await keypair_states(desk) == []


async def test_an_upload_before_any_certificate_says_what_to_do_first(desk):
    with pytest.raises(NeedsPerson, match="adept accounts certificate hq"):
        await upload(desk, b"MIAGCSqGSIb3DQEHA6CAMIAC")


async def test_an_account_whose_first_token_is_rejected_is_not_added(desk):
    desk.apple.say("/session", refusal("", 401))
    with pytest.raises(TokenRejected):
        await add(
            desk.store,
            "new",
            base_url="https://apple.example",
            by=ADEPT,
            now=desk.clock,
            connect=desk.apple.connect,
            token=server_token("new"),
        )
    with pytest.raises(Misuse, match="no account"):
        await desk.account("new")


async def test_removing_an_account_tells_each_deletion_and_keeps_keypairs_and_changes(desk):
    await upload(desk, await sealed(desk))
    await with_devices(desk)
    assert await remove(desk.store, "hq", by=ADEPT, now=desk.clock) == 2
    assert await desk.told() == [("added", "A1"), ("added", "B2"), ("deleted", "A1"), ("deleted", "B2")]
    assert {change.reason for change in (await desk.changes())[2:]} == {"account_removed"}
    async with desk.store.reading() as tx:
        kept = await keypairs.keypairs_of_removed(tx, "hq")
    assert [row.state for row in kept] == ["retired"]


async def test_an_account_removed_while_its_pass_runs_ends_the_pass(desk):
    async def removed_meanwhile():
        await remove(desk.store, "hq", by=ADEPT, now=desk.clock)
        return page(device("A1"), cursor="s0")

    desk.apple.say(FETCH, removed_meanwhile)
    assert (await desk.walk()).state == "lost"
    assert await desk.told() == []
