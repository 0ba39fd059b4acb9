"""Where a login leads, and what it brings along."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.web.ui.returning import Kept, keep, kept_in, own_path, path_of


@pytest.mark.parametrize("path", ["/", "/devices?search=a%20b&sort=model", "/people/ann@example.com"])
def test_a_path_of_ours_is_gone_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://example.com/",
        "//example.com/",
        "/\\example.com/",
        "javascript:alert(1)",
        "people",
        "",
        "/a\r\nSet-Cookie: x=1",
        "/\t/example.com",
        "/" + "a" * 2001,
        None,
    ],
)
def test_a_login_leads_nowhere_else(elsewhere: str | None) -> None:
    assert own_path(elsewhere) == "/"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://adept.example/devices?search=x#top", "/devices?search=x"),
        ("https://adept.example", "/"),
        ("https://[broken", "/"),
        (None, "/"),
    ],
)
def test_the_page_that_somebody_came_from_is_a_path_of_ours(url: str | None, path: str) -> None:
    assert path_of(url) == path


@given(st.lists(st.tuples(st.text(), st.text())))
def test_what_was_typed_comes_back_as_it_was(fields: list[tuple[str, str]]) -> None:
    kept = keep("/people", fields)
    assert kept_in(kept.as_text()) == kept
    assert [field for field in fields if "password" not in field[0]] == list(kept.fields)


def test_passwords_and_files_are_not_kept_but_remembered_as_lost() -> None:
    kept = keep("/people", [("name", "ann"), ("password", "secret"), ("password_again", ""), ("file", object())])
    assert kept == Kept("/people", (("name", "ann"),), ("password", "file"))
    assert "secret" not in kept.as_text()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["/a", [["x"]], []]', '["/a", 3, []]', "nonsense", "[" * 100_000])
def test_what_is_no_form_is_none(text: str) -> None:
    assert kept_in(text) is None


def test_a_kept_form_is_sent_to_us_only() -> None:
    kept = kept_in('["https://example.com/", [], []]')
    assert kept is not None
    assert kept.to == "/"
