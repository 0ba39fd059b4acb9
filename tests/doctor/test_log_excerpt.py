"""What of a log may leave the house."""

from __future__ import annotations

import json

from adept.doctor.log_excerpt import LogExcerpt, excerpt
from adept.doctor.pseudonyms import Pseudonyms

NAMES = Pseudonyms(["branch", "acme"])
TRACEBACK = """Traceback (most recent call last):
  File "/srv/janedoe/venv/site-packages/adept/jobs/visit.py", line 63, in _look_after
    secret = "janedoe"
  File "/srv/janedoe/other.py", line 1, in janedoe
ValueError: janedoe's serial C02JANE
"""


def shown(**entry: object) -> LogExcerpt:
    return excerpt([json.dumps(entry)], NAMES)


def test_adepts_own_words_and_numbers_are_shown_with_pseudonyms():
    entry = {"event": "page applied", "logger": "adept.sync", "level": "info", "timestamp": "2026-11-20T12:00:00.1Z"}
    found = shown(**entry, account="branch", devices=100, took_s=0.4, error_code="T_C_NOT_SIGNED", serial="C02JANE")
    assert found.lines == [
        {**entry, "account": "account-2", "devices": 100, "took_s": 0.4, "error_code": "T_C_NOT_SIGNED"}
    ]


def test_of_a_traceback_the_places_in_adept_and_the_kind_of_error_are_shown():
    (line,) = shown(event="visit failed", logger="adept.jobs", exception=TRACEBACK).lines
    assert line["exception"] == {"at": ["adept/jobs/visit.py:63 _look_after"], "raised": ["ValueError"]}


def test_what_others_wrote_is_left_out_and_counted():
    found = excerpt(
        [
            "not JSON, and about Jane Doe",
            '"a string"',
            json.dumps({"event": "GET /janedoe", "logger": "uvicorn.access"}),
            json.dumps({"event": "Jane Doe: logged in", "logger": "adept.web"}),
            json.dumps({"event": "page applied", "logger": "adept.janedoe@example.org"}),
            json.dumps({"event": "runner waits", "logger": "adept.jobs", "error": "janedoe", "error_code": "JANE_DOE"}),
        ],
        NAMES,
    )
    assert found.lines == [{"event": "runner waits", "logger": "adept.jobs", "error_code": "other"}]
    assert found.left_out == 5
