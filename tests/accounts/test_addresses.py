"""Base URLs lead to the public internet, unless the operator allows more."""

from __future__ import annotations

import pytest

from adept.accounts.addresses import check_address, is_public
from adept.errors import Misuse


def says(*addresses: str):
    """A resolver that has these addresses for every name."""
    return lambda _host: list(addresses)


def knows_nobody(_host: str) -> list[str]:
    raise OSError("Name or service not known")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_private_however_it_is_written(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["17.253.144.10", "2620:149:af0::10", "::ffff:17.253.144.10", "64:ff9b::11fd:900a"])
def test_an_address_of_the_public_internet_is_public(address):
    assert is_public(address)


async def test_a_name_with_public_addresses_alone_is_taken_in_the_form_we_keep():
    url = await check_address("https://mdm.example/", allow_private=False, resolve=says("17.1.1.1", "2620:149::1"))
    assert url == "https://mdm.example"


async def test_one_private_address_among_others_is_enough_to_refuse_a_name():
    with pytest.raises(Misuse, match=r"leads to 10\.0\.0\.5, which is not a public address"):
        await check_address("https://mdm.example", allow_private=False, resolve=says("17.1.1.1", "10.0.0.5"))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080",
        "http://127.0.0.1:8080",
        "https://127.1",
        "https://2130706433",
        "https://0x7f.1",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
    ],
)
async def test_this_machine_is_refused_by_any_of_its_names(url):
    with pytest.raises(Misuse, match="not a public address"):
        await check_address(url, allow_private=False)


async def test_the_operator_may_allow_private_addresses_and_then_nobody_is_asked():
    assert await check_address("http://127.0.0.1:9/", allow_private=True, resolve=knows_nobody) == "http://127.0.0.1:9"


async def test_a_name_that_can_not_be_looked_up_is_refused_in_a_sentence():
    with pytest.raises(Misuse, match=r"'mdm\.example' of the base URL can't be looked up"):
        await check_address("https://mdm.example", allow_private=False, resolve=knows_nobody)


@pytest.mark.parametrize("allow_private", [True, False])
@pytest.mark.parametrize("url", ["", "ftp://x", "http://mdm.example", "https://u:p@x", "https://x/?q", "nonsense"])
async def test_what_is_no_base_url_is_refused_either_way(url, allow_private):
    with pytest.raises(Misuse, match="base URL"):
        await check_address(url, allow_private=allow_private, resolve=says("17.1.1.1"))
