"""What people's browsers are called."""

from __future__ import annotations

import pytest

from adept.web.ui.browsers import browser_of

_MOZILLA = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "called"),
    [
        (f"{_MOZILLA} Version/26.0 Safari/605.1.15", "Safari on Mac"),
        (f"{_MOZILLA} Chrome/156.0.0.0 Safari/537.36", "Chrome on Mac"),
        (f"{_MOZILLA} Chrome/156.0.0.0 Safari/537.36 Edg/156.0", "Edge on Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) CriOS/156.0 Mobile Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/156.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.16", "curl"),
        ("a" * 200, "a" * 60),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_browser_is_named_in_a_few_words(user_agent: str | None, called: str) -> None:
    assert browser_of(user_agent) == called
