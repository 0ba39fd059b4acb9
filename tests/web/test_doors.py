"""Commandment's two doors, knocked at by the real curl."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adept.protocol.keypair import generate_keypair, load_certificate
from adept.protocol.p7m_seal import seal_server_token
from adept.simulator.world import FIRST_SERVER
from adept.store.audit import audit_entries
from adept.store.keypairs import keypairs_of
from adept.store.tokens import tokens_of
from tests.web.curl import Answer, curl

DOWNLOAD, UPLOAD = "/dep/certificate/download", "/dep/stoken/upload"
KEYS = ["consumer_key", "consumer_secret", "access_token", "access_secret", "access_token_expiry"]


class Doors:
    """A person with curl and a key that may read secrets, in a folder of their own."""

    def __init__(self, service, folder: Path, key: str) -> None:
        self.service, self.folder, self.key = service, folder, key

    async def knock(self, path: str, *words: str, key: str | None = None) -> Answer:
        return await curl("-u", f"adept:{key or self.key}", *words, self.service.url + path, folder=self.folder)

    async def download(self, query: str = "") -> bytes:
        got = await self.knock(DOWNLOAD + query)
        assert got.status == 200, got.text
        return got.body

    async def upload(self, data: bytes, query: str = "", *, key: str | None = None) -> Answer:
        (self.folder / "token.p7m").write_bytes(data)
        return await self.knock(UPLOAD + query, "-F", "file=@token.p7m", key=key)

    def portal_gives(self, certificate: bytes) -> bytes:
        """What Apple's portal hands out for the certificate."""
        simulator = self.service.simulator.simulator
        simulator.upload_certificate(FIRST_SERVER, certificate)
        content: bytes = simulator.get_token(FIRST_SERVER).content
        return content

    async def account(self, name: str = "dep"):
        return (await self.service.get(f"/api/v1/accounts/{name}", role="viewer")).json()


@pytest.fixture
async def doors(service, tmp_path: Path) -> Doors:
    folder = tmp_path / "person"
    folder.mkdir()
    return Doors(service, folder, await service.key("admin", may_read_secrets=True))


async def test_the_certificate_is_a_file_of_commandments_name_and_kind(doors):
    got = await doors.knock(DOWNLOAD, "-OJ")
    assert (got.status, got.content_type) == (200, "application/x-x509-ca-cert")
    pem = (doors.folder / "commandment-dep.cer").read_bytes()
    assert load_certificate(pem).subject.rfc4514_string() == "CN=COMMANDMENT-DEP"
    assert await doors.download() == pem


async def test_on_an_empty_installation_the_first_knock_makes_the_account_dep(doors):
    pem = await doors.download()
    account = await doors.account()
    assert (account["name"], account["health"]) == ("dep", "no_token")
    [pair] = account["keypairs"]
    assert (pair["state"], pair["common_name"]) == ("staged", "COMMANDMENT-DEP")
    async with doors.service.store.reading() as tx:
        [stored] = await keypairs_of(tx, 1)
        acts = [row.act for row in await audit_entries(tx, limit=10)]
    assert stored.certificate_pem == pem.decode()
    assert acts == ["account.certificate_made", "account.added"]


async def test_the_upload_answers_with_exactly_apples_five_keys_and_makes_the_account_due(doors):
    data = doors.portal_gives(await doors.download())
    wakes = len(doors.service.wakes)
    got = await doors.upload(data)
    assert (got.status, got.content_type) == (200, "application/json")
    assert got.headers["cache-control"] == "no-store"
    assert list(got.json) == KEYS
    assert got.body == doors.service.simulator.simulator.token_of(FIRST_SERVER).to_json()
    account = await doors.account()
    assert (account["health"], account["tokens"][0]["state"]) == ("ok", "active")
    assert account["next_sync_at"] <= doors.service.clock().isoformat().replace("+00:00", "Z")
    assert len(doors.service.wakes) == wakes + 1


async def test_the_expiry_is_given_as_apple_spelled_it(doors):
    token = json.loads(doors.service.simulator.token.to_json())
    token["access_token_expiry"] = "2099-01-14T21:27:41z"
    pem = await doors.download()
    sealed = seal_server_token(doors.service.simulator.token, pem)
    assert (await doors.upload(sealed)).json["consumer_key"] == token["consumer_key"]


async def test_a_token_that_has_to_wait_is_answered_too(doors):
    data = doors.portal_gives(await doors.download())
    doors.service.simulator.simulator.sign_terms(signed=False)
    got = await doors.upload(data)
    assert (got.status, list(got.json)) == (200, KEYS)
    account = await doors.account()
    assert (account["tokens"][0]["state"], account["health"]) == ("candidate", "terms_not_signed")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
        b'{"consumer_key": "CK_1"}',
        b"x" * 60_000,
    ],
)
async def test_what_is_no_token_is_a_400_that_says_what_it_is_and_changes_nothing(doors, content):
    await doors.download()
    got = await doors.upload(content)
    assert (got.status, got.content_type) == (400, "application/problem+json")
    assert got.json["code"] == "token_file"
    assert (await doors.account())["tokens"] == []


async def test_five_megabytes_are_refused_without_being_read(doors):
    await doors.download()
    got = await doors.upload(b"x" * 5_000_000)
    assert (got.status, got.content_type) == (413, "application/problem+json")


async def test_a_token_for_a_certificate_of_somebody_else_is_a_400(doors):
    await doors.download()
    stranger = generate_keypair("stranger", now=doors.service.clock())
    got = await doors.upload(doors.portal_gives(stranger.certificate_pem))
    assert (got.status, got.json["code"]) == (400, "token_file")


async def test_a_token_that_apple_no_longer_knows_is_a_400_and_no_secret_is_told(doors):
    data = doors.portal_gives(await doors.download())
    doors.service.simulator.simulator.revoke_token(FIRST_SERVER)
    got = await doors.upload(data)
    assert (got.status, got.content_type) == (400, "application/problem+json")
    assert "CK_" not in got.text
    assert (await doors.account())["tokens"] == []


async def test_a_form_without_the_file_or_no_form_at_all_is_a_400_that_says_how(doors):
    await doors.download()
    for words in (["-F", "other=x"], ["-d", ""]):
        got = await doors.knock(UPLOAD, *words)
        assert (got.status, got.content_type) == (400, "application/problem+json")
    assert "-F file=@" in (await doors.knock(UPLOAD, "-F", "other=x")).json["way_out"]


async def test_an_upload_before_any_certificate_is_a_400_that_says_what_comes_first(doors):
    got = await doors.upload(b"x")
    assert (got.status, got.json["code"]) == (400, "not_found")
    assert DOWNLOAD in got.json["way_out"]


async def test_another_account_is_named_in_the_query_and_there_is_none_by_guessing(doors):
    assert (await doors.service.post("/api/v1/accounts", role="admin", json={"name": "hq"})).status_code == 201
    nobody = await doors.knock(DOWNLOAD)
    assert (nobody.status, nobody.json["code"]) == (400, "not_found")
    assert "?account=" in nobody.json["way_out"]
    data = doors.portal_gives(await doors.download("?account=hq"))
    assert (await doors.upload(data, "?account=hq")).status == 200
    assert (await doors.account("hq"))["health"] == "ok"


async def test_a_certificate_downloaded_under_another_name_before_still_opens_its_token(doors):
    await doors.service.post("/api/v1/accounts", role="admin", json={"name": "dep"})
    ours = (await doors.service.get("/api/v1/accounts/dep/certificate", role="admin")).content
    theirs = await doors.download()
    assert ours != theirs
    assert (await doors.service.get("/api/v1/accounts/dep/certificate", role="admin")).content == theirs
    assert (await doors.upload(doors.portal_gives(ours))).status == 200


@pytest.mark.parametrize("path", [DOWNLOAD, UPLOAD])
async def test_without_a_key_the_problem_has_a_challenge_and_the_curl_line_that_works(doors, path):
    got = await curl(doors.service.url + path, *(["-F", "file=x"] if path == UPLOAD else []), folder=doors.folder)
    assert (got.status, got.content_type) == (401, "application/problem+json")
    assert got.headers["www-authenticate"].startswith("Basic ")
    line = got.json["way_out"].partition(" (")[0].replace("KEY", doors.key).replace("'", "")
    if path == UPLOAD:
        (doors.folder / "TOKEN.p7m").write_bytes(doors.portal_gives(await doors.download()))
    assert line.startswith("curl ")
    assert (await curl(*line.split()[1:], folder=doors.folder)).status == 200


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_only_admins_come_through(doors, role):
    key = await doors.service.key(role, may_read_secrets=True)
    for path, words in ((DOWNLOAD, []), (UPLOAD, ["-F", "file=x"])):
        got = await doors.knock(path, *words, key=key)
        assert (got.status, got.json["code"]) == (403, "role_needed")
    assert (await doors.service.get("/api/v1/accounts", role="viewer")).json()["items"] == []


async def test_an_admins_key_that_may_not_read_secrets_is_refused_before_anything_is_done(doors):
    data = doors.portal_gives(await doors.download())
    got = await doors.upload(data, key=await doors.service.key("admin"))
    assert (got.status, got.json["code"]) == (403, "secrets_denied")
    assert "--may-read-secrets" in got.json["way_out"]
    async with doors.service.store.reading() as tx:
        assert await tokens_of(tx, 1) == []


async def test_two_who_knock_at_an_empty_installation_at_once_get_the_same_certificate(doors):
    import anyio

    got: list[bytes] = []

    async def one() -> None:
        got.append(await doors.download())

    async with anyio.create_task_group() as both:
        both.start_soon(one)
        both.start_soon(one)
    assert got[0] == got[1]
