"""Sealing: keys, purposes, rotation."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import ConfigError
from adept.store.sealing import Sealer, new_key, read_keys

FIRST, SECOND = (bytes([number]) * 32 for number in (1, 2))


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_what_was_sealed_opens_for_its_purpose(plain: bytes, purpose: str):
    sealer = Sealer([FIRST])
    sealed = sealer.seal(purpose, plain)
    assert sealer.open(purpose, sealed) == plain
    assert len(plain) < 8 or plain not in sealed


def test_the_same_secret_is_never_sealed_the_same_way_twice():
    assert Sealer([FIRST]).seal("token:1", b"secret") != Sealer([FIRST]).seal("token:1", b"secret")


def test_a_sealed_secret_moved_to_another_place_does_not_open_there():
    sealer = Sealer([FIRST])
    sealed = sealer.seal("token:17", b"secret")
    with pytest.raises(ConfigError, match="sealed for token:18 can't be opened"):
        sealer.open("token:18", sealed)


@pytest.mark.parametrize(
    "damage",
    [lambda sealed: sealed[:-2], lambda _: b"", lambda _: b"plain", lambda sealed: sealed[:40] + b"AAAA" + sealed[44:]],
)
def test_a_damaged_secret_is_an_error_of_ours(damage):
    sealed = Sealer([FIRST]).seal("token:1", b"secret")
    with pytest.raises(ConfigError):
        Sealer([FIRST]).open("token:1", damage(sealed))


def test_every_key_opens_and_the_first_seals():
    old = Sealer([FIRST]).seal("token:1", b"secret")
    both = Sealer([SECOND, FIRST])
    assert both.open("token:1", old) == b"secret"
    assert Sealer([SECOND]).open("token:1", both.seal("token:1", b"secret")) == b"secret"
    with pytest.raises(ConfigError):
        Sealer([SECOND]).open("token:1", old)


def test_current_is_what_the_first_key_sealed():
    old = Sealer([FIRST]).seal("token:1", b"secret")
    both = Sealer([SECOND, FIRST])
    assert not both.is_current("token:1", old)
    assert both.is_current("token:1", both.seal("token:1", b"secret"))
    assert not both.is_current("token:2", both.seal("token:1", b"secret"))


def test_keys_that_fail_are_read_again():
    keys = [FIRST]
    sealer = Sealer([FIRST], reread=lambda: keys)
    new = Sealer([SECOND]).seal("token:1", b"secret")
    with pytest.raises(ConfigError):
        sealer.open("token:1", new)
    keys[:] = [SECOND, FIRST]
    assert sealer.open("token:1", new) == b"secret"
    assert sealer.is_current("token:2", sealer.seal("token:2", b"more"))
    assert not sealer.read_again()


def test_keys_that_can_not_be_read_again_leave_the_old_ones_in_use():
    def unreadable() -> list[bytes]:
        raise ConfigError("the file is gone")

    for reread in (unreadable, list):
        sealer = Sealer([FIRST], reread=reread)
        assert not sealer.read_again()
        assert sealer.open("token:1", sealer.seal("token:1", b"secret")) == b"secret"


def test_a_sealer_shows_no_key():
    assert repr(Sealer([FIRST, SECOND])) == "Sealer(2 keys)"


def test_a_new_key_is_one_that_can_be_read():
    (key,) = read_keys([new_key()])
    assert len(key) == 32
    assert new_key() != new_key()


def test_keys_are_read_with_blanks_around_and_between():
    text = base64.urlsafe_b64encode(b"k" * 32).decode()
    assert read_keys([f" {text}\n", "", "  "]) == [b"k" * 32]


def test_keys_are_read_in_either_alphabet_of_base64():
    key = b"\xfb\xff" * 16
    plain, url_safe = base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()
    assert plain != url_safe
    assert read_keys([plain, url_safe]) == [key, key]


@pytest.mark.parametrize("wrong", ["short", "c2hvcnQ=", "ä" * 44, "A" * 43])
def test_a_key_that_is_none_is_named_by_its_place_and_never_shown(wrong: str):
    with pytest.raises(ConfigError, match="key 2 of ADEPT_SECRET_KEYS is not 32 bytes in base64") as caught:
        read_keys([new_key(), wrong])
    assert wrong not in str(caught.value)
    assert "openssl rand" in str(caught.value)


@pytest.mark.parametrize("none", [[], [""], ["  ", "\n"]])
def test_no_key_at_all_is_told(none: list[str]):
    with pytest.raises(ConfigError, match="the-file holds no key"):
        read_keys(none, source="the-file")
