"""Secrets are found by their hashes. None is ever compared with one, so no comparison can take a telling time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import adept

SOURCES = Path(adept.__file__).parent
SECRET = re.compile(r"secret|password|cookie|api_key|session_token")
# The database looks a hash up in an index; how far an attempt agrees with it says nothing of the secret. The set-up
# link, of which there is one at most, is compared by hmac.compare_digest (access/setup.py).
LOOK_UPS = {
    "api_keys.c.secret_hash == secret_hash",
    "sessions.c.secret_hash == secret_hash",
}
OTHERS = {
    "current.password_hash != user.password_hash",  # both are ours: was it changed meanwhile
    "password != password_again",  # both are the visitor's
}


def comparisons() -> Iterator[str]:
    """Comparisons for equality of whatever is named after a secret, in all that handles logins, keys and sessions."""
    for package in ("access", "web", "store"):
        for source in (SOURCES / package).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text())):
                is_equality = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq)
                if is_equality and any(SECRET.search(name) for name in _names_in(node)):
                    yield ast.unparse(node)


def _names_in(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def test_no_secret_is_compared_byte_by_byte() -> None:
    found = {text for text in comparisons() if not re.search(r"\.c\.(id|name|\w+_id|\w+_at|state) ", text)}
    assert found == LOOK_UPS | OTHERS
