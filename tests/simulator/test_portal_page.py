"""The portal's page, used as a browser without script uses it: get the page, fill in its forms, follow the redirect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest

from adept import Client, Profile, generate_keypair, open_server_token
from adept.protocol.keypair import Keypair
from adept.simulator import Simulator, serve
from adept.simulator.running import Running


class Page(HTMLParser):
    """The forms and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.buttons: list[str] = []
        self.unlabelled: list[str] = []
        self._labels = 0
        self._in_button = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.forms.append({"action": found["action"], "type": found.get("enctype"), "fields": {}})
        if tag in ("input", "select", "textarea"):
            self.forms[-1]["fields"][found["name"]] = found.get("value")
            if found.get("type") != "hidden" and not self._labels:
                self.unlabelled.append(str(found["name"]))
        self._labels += tag == "label"
        self._in_button = tag == "button"

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"
        self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._in_button:
            self.buttons.append(data.strip())


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """One simulator for the module; each test starts from a reset."""
    with serve(Simulator(3)) as started:
        yield started


@pytest.fixture(scope="module")
def keypair() -> Keypair:
    """A key and a certificate for the portal."""
    return generate_keypair()


@pytest.fixture
def browser(running: Running) -> Iterator[httpx2.Client]:
    """A browser that follows redirects and says where it comes from."""
    running.simulator.reset()
    with httpx2.Client(
        base_url=running.control_url, follow_redirects=True, headers={"origin": running.control_url}
    ) as http:
        yield http


def sentence(answer: httpx2.Response) -> tuple[str, str]:
    """What the page says about what was done: its kind and its text."""
    assert answer.status_code == 200
    found = re.search(r'<p class="(said|failed)" role="(?:status|alert)">(.*?)</p>', answer.text)
    assert found, answer.text
    return found[1], found[2]


def test_the_page_has_apples_three_buttons_and_labels_for_every_field(browser: httpx2.Client):
    page = Page(browser.get("/").text)
    assert {"Add MDM Server", "Upload Key", "Get Token"} <= set(page.buttons)
    assert page.unlabelled == []


def test_the_page_needs_no_script_and_nothing_from_elsewhere(browser: httpx2.Client):
    text = browser.get("/").text
    assert "<script" not in text
    assert "http://" not in text.replace(str(browser.base_url), "")
    assert "https://" not in text


def test_the_page_says_that_it_is_not_apple(browser: httpx2.Client):
    assert "not Apple" in browser.get("/").text


def test_a_server_is_added_its_key_uploaded_and_its_token_got(
    browser: httpx2.Client, keypair: Keypair, running: Running
):
    said = sentence(browser.post("/portal/add-server", data={"name": "hq", "organization": "Example Organisation"}))
    assert said == ("said", "MDM server hq was added.")
    key = {"certificate": ("key.pem", keypair.certificate_pem)}
    assert sentence(browser.post("/portal/upload-key", data={"server": "hq"}, files=key))[0] == "said"
    file = browser.post("/portal/get-token", data={"server": "hq"})
    assert file.headers["content-disposition"].startswith("attachment")
    token = open_server_token(file.content, keypair.private_key_pem)
    with Client(token, base_url=running.url) as client:
        assert client.account().server_name == "hq"


def test_a_server_is_added_with_its_key_at_once(browser: httpx2.Client, keypair: Keypair):
    key = {"certificate": ("key.pem", keypair.certificate_pem)}
    browser.post("/portal/add-server", data={"name": "hq", "organization": ""}, files=key)
    assert browser.post("/portal/get-token", data={"server": "hq"}).headers["content-type"] == "application/pkcs7-mime"


def test_devices_are_bought_moved_set_up_and_released(browser: httpx2.Client, running: Running):
    simulator = running.simulator
    simulator.add_server("other")
    bought = sentence(browser.post("/portal/buy", data={"count": "2", "family": "Mac", "server": "Example MDM"}))
    assert bought[1].startswith("2 devices were bought")
    serials = list(simulator.devices())[-2:]
    with Client(running.token, base_url=running.url) as client:
        client.define_profile(Profile(profile_name="one", url="https://mdm.example.org/", devices=tuple(serials)))
    both = {"serials": f"{serials[0]}, {serials[1]}"}
    assert sentence(browser.post("/portal/switch-on", data=both))[1] == "2 of 2 fetched a profile."
    assert "pushed" in browser.get("/").text
    assert (
        sentence(browser.post("/portal/assign", data=both | {"server": "other"}))[1]
        == "2 devices were assigned to other."
    )
    assert set(simulator.devices("other")) == set(serials)
    assert serials[0] in browser.get("/?server=other").text
    assert sentence(browser.post("/portal/assign", data={"serials": serials[0], "server": ""}))[1].endswith("nobody.")
    assert sentence(browser.post("/portal/release", data={"serials": serials[1]}))[1] == "1 device was released."
    assert simulator.devices("other") == {}


def test_devices_can_be_bought_for_nobody(browser: httpx2.Client, running: Running):
    browser.post("/portal/buy", data={"count": "2", "family": "", "server": ""})
    assert running.simulator.state()["organizations"][0]["unassigned"] == 2


def test_terms_are_published_and_signed(browser: httpx2.Client, running: Running):
    owner = {"organization": "Example Organisation"}
    assert "Publish new terms" in Page(browser.get("/").text).buttons
    answer = browser.post("/portal/terms", data=owner | {"signed": "no"})
    assert sentence(answer)[1].endswith("has new terms to sign.")
    assert "Sign the terms" in Page(answer.text).buttons
    assert sentence(browser.post("/portal/terms", data=owner | {"signed": "yes"}))[1].endswith("has signed the terms.")
    assert running.simulator.state()["organizations"][0]["terms_signed"]


def test_a_token_is_revoked(browser: httpx2.Client, running: Running):
    assert sentence(browser.post("/portal/revoke-token", data={"server": "Example MDM"}))[0] == "said"
    assert running.simulator.state()["servers"][0]["token_expiry"] is None
    assert "none" in browser.get("/").text


def test_the_clock_is_moved_both_ways(browser: httpx2.Client, running: Running):
    before = running.simulator.now()
    assert sentence(browser.post("/portal/clock", data={"hours": "-24"}))[0] == "said"
    assert (before - running.simulator.now()).total_seconds() > 23 * 3600


@pytest.mark.parametrize(
    ("act", "data", "named"),
    [
        ("add-server", {"name": ""}, "name"),
        ("add-server", {"name": "Example MDM"}, "Example MDM"),
        ("add-server", {"name": "x", "organization": "nowhere"}, "nowhere"),
        ("upload-key", {"server": "Example MDM"}, "choose the certificate"),
        ("get-token", {"server": "Example MDM"}, "certificate"),
        ("get-token", {"server": "nowhere"}, "nowhere"),
        ("buy", {"count": "many", "server": "Example MDM"}, "many"),
        ("buy", {"count": "0", "server": "Example MDM"}, "100000"),
        ("buy", {"count": "1", "family": "Newton", "server": "Example MDM"}, "Newton"),
        ("assign", {"serials": "NOBODY", "server": "Example MDM"}, "NOBODY"),
        ("assign", {"serials": " ", "server": "Example MDM"}, "serials"),
        ("release", {"serials": "NOBODY"}, "NOBODY"),
        ("clock", {"hours": "soon"}, "soon"),
        ("clock", {"hours": "999999"}, "999999"),
        ("terms", {"organization": "nowhere", "signed": "yes"}, "nowhere"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(browser: httpx2.Client, act: str, data: dict[str, str], named: str):
    kind, text = sentence(browser.post(f"/portal/{act}", data=data))
    assert kind == "failed"
    assert named in text


def test_names_that_look_like_html_are_shown_as_text(browser: httpx2.Client, running: Running):
    running.simulator.add_server("<b>bold")
    text = browser.get("/", params={"server": "<b>bold", "failed": "<i>x</i>"}).text
    assert "<b>bold" not in text
    assert "<i>x" not in text


def test_an_unknown_server_in_the_address_shows_the_first(browser: httpx2.Client):
    assert "newest devices of Example MDM" in browser.get("/?server=nowhere").text


def test_a_strangers_page_can_not_post_its_forms(browser: httpx2.Client, running: Running):
    answer = browser.post(
        "/portal/revoke-token", data={"server": "Example MDM"}, headers={"origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert running.token
