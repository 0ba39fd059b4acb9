"""Certificates and server tokens over the API: the exchange with Apple's portal, and all that can go wrong in it."""

from __future__ import annotations

import pytest

from adept.protocol.keypair import generate_keypair, load_certificate
from adept.protocol.p7m_seal import seal_server_token
from adept.simulator.world import FIRST_SERVER

HQ = "/api/v1/accounts/hq"
NAMELESS = b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n--x--'
P7M = {"Content-Type": "application/pkcs7-mime"}


@pytest.fixture
async def hq(service):
    """A service with an account that waits for its token."""
    assert (await service.post("/api/v1/accounts", role="admin", json={"name": "hq"})).status_code == 201
    service.wakes.clear()
    return service


async def certificate(service) -> bytes:
    got = await service.get(f"{HQ}/certificate", role="admin")
    assert got.status_code == 200, got.text
    content: bytes = got.content
    return content


def portal_gives(service, pem: bytes) -> bytes:
    """What Apple's portal hands out for the certificate; it kills the token before."""
    service.simulator.simulator.upload_certificate(FIRST_SERVER, pem)
    content: bytes = service.simulator.simulator.get_token(FIRST_SERVER).content
    return content


async def put(service, data: bytes, query: str = "", **options):
    return await service.put(f"{HQ}/token{query}", role="admin", content=data, headers=P7M, **options)


async def states(service) -> list[str]:
    return [token["state"] for token in (await service.get(f"{HQ}/token", role="viewer")).json()["items"]]


async def test_the_certificate_is_a_file_named_after_the_account_and_the_same_until_its_token_came(hq):
    got = await hq.get(f"{HQ}/certificate", role="admin")
    assert got.headers["Content-Type"] == "application/x-pem-file"
    assert got.headers["Content-Disposition"] == 'attachment; filename="adept-hq.pem"'
    assert load_certificate(got.content).subject.rfc4514_string() == "CN=adept hq"
    assert await certificate(hq) == got.content
    assert (await put(hq, portal_gives(hq, got.content))).status_code == 200
    assert await certificate(hq) != got.content


async def test_a_token_is_accepted_and_the_account_is_due_at_once(hq):
    answer = await put(hq, portal_gives(hq, await certificate(hq)))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["account"], told["state"], told["server_name"]) == ("hq", "active", FIRST_SERVER)
    assert (told["waits_for"], told["deleted_devices"]) == (None, 0)
    assert "CK_" not in answer.text
    account = (await hq.get(HQ, role="viewer")).json()
    assert (account["health"], account["token_expires_at"]) == ("ok", told["expires_at"])
    assert hq.wakes


async def test_a_form_is_taken_as_well(hq):
    data = portal_gives(hq, await certificate(hq))
    answer = await hq.put(f"{HQ}/token", role="admin", files={"file": ("token.p7m", data)})
    assert (answer.status_code, await states(hq)) == (200, ["active"])


async def test_a_token_for_a_key_that_comes_along_is_taken_with_it(hq):
    pair = generate_keypair("moved", now=hq.clock())
    data = portal_gives(hq, pair.certificate_pem)
    assert (await put(hq, data)).status_code == 409, "no certificate was made yet"
    files = {"file": ("token.p7m", data), "key": ("key.pem", pair.private_key_pem)}
    assert (await hq.put(f"{HQ}/token", role="admin", files=files)).status_code == 200


async def test_a_renewal_for_the_active_certificate_is_accepted_and_the_old_token_retired(hq):
    pem = await certificate(hq)
    assert (await put(hq, portal_gives(hq, pem))).status_code == 200
    assert (await put(hq, portal_gives(hq, pem))).status_code == 200
    assert await states(hq) == ["active", "retired"]


async def test_a_token_waits_as_candidate_while_the_terms_are_unsigned(hq):
    data = portal_gives(hq, await certificate(hq))
    hq.simulator.simulator.sign_terms(signed=False)
    answer = await put(hq, data)
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["waits_for"]["code"]) == ("candidate", "T_C_NOT_SIGNED")
    account = (await hq.get(HQ, role="viewer")).json()
    assert (account["health"], await states(hq)) == ("terms_not_signed", ["candidate"])


async def test_a_token_waits_as_candidate_while_apple_is_out_of_reach(hq):
    data = portal_gives(hq, await certificate(hq))
    hq.simulator.simulator.fault("get_session", "drop_before", count=9)
    answer = await put(hq, data)
    assert (answer.status_code, answer.json()["waits_for"]["code"]) == (202, "unreachable")


async def test_a_token_of_another_server_is_refused_and_taken_when_asked_to(hq):
    assert (await put(hq, portal_gives(hq, await certificate(hq)))).status_code == 200
    simulator = hq.simulator.simulator
    simulator.add_server("Lab", certificate=await certificate(hq))
    data = simulator.get_token("Lab").content
    refused = await put(hq, data)
    assert (refused.status_code, refused.json()["code"]) == (422, "token_file")
    assert "the old token still works" in refused.json()["detail"]
    assert await states(hq) == ["active"]
    taken = await put(hq, data, "?replace_server=true")
    assert (taken.status_code, taken.json()["server_name"]) == (200, "Lab")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "an image"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "a certificate"),
        (b'{"consumer_key": "CK_1"}', "already"),
        (b"\0" * 60_000, "token"),
    ],
)
async def test_a_file_that_is_no_token_is_refused_in_a_sentence_and_nothing_is_kept(hq, content, sentence):
    await certificate(hq)
    answer = await put(hq, content)
    assert (answer.status_code, answer.json()["code"]) == (422, "token_file")
    assert sentence in answer.json()["detail"]
    assert await states(hq) == []


async def test_more_than_64_kilobytes_are_refused_announced_or_not(hq):
    async def unannounced():
        for _ in range(20):
            yield b"x" * 16_384

    for content in (b"x" * 70_000, unannounced()):
        answer = await put(hq, content)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"x"),
        (
            "multipart/form-data; boundary=x; charset=undefined",
            b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n--x--',
        ),
        ("multipart/form-data; boundary=x", b"--x--"),
    ],
)
async def test_a_form_that_can_not_be_read_is_the_clients_mistake(hq, content_type, content):
    headers = {"Content-Type": content_type}
    answer = await hq.put(f"{HQ}/token", role="admin", content=content, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_token_for_a_certificate_we_no_longer_hold_says_so(hq):
    await certificate(hq)
    stranger = generate_keypair("stranger", now=hq.clock())
    sealed = seal_server_token(hq.simulator.token, stranger.certificate_pem)
    answer = await put(hq, sealed)
    assert (answer.status_code, answer.json()["code"]) == (422, "token_file")
    assert "doesn't open it" in answer.json()["detail"]


async def test_a_token_that_apple_no_longer_accepts_is_refused_by_its_word(hq):
    data = portal_gives(hq, await certificate(hq))
    hq.simulator.simulator.revoke_token(FIRST_SERVER)
    answer = await put(hq, data)
    assert (answer.status_code, await states(hq)) == (502, [])


async def test_the_history_of_tokens_has_no_secret_in_it(hq):
    pem = await certificate(hq)
    for _ in range(2):
        await put(hq, portal_gives(hq, pem))
    text = (await hq.get(f"{HQ}/token", role="viewer")).text + (await hq.get(HQ, role="viewer")).text
    token = hq.simulator.simulator.token_of(FIRST_SERVER)
    for secret in (token.consumer_key, token.consumer_secret, token.access_token, token.access_secret, "PRIVATE KEY"):
        assert secret not in text


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_certificates_and_tokens_are_the_admins(hq, role):
    assert (await hq.get(f"{HQ}/certificate", role=role)).status_code == 403
    assert (await hq.put(f"{HQ}/token", role=role, content=b"x")).status_code == 403
