"""Names that tell accounts apart without telling them: the same account has the same one throughout a bundle."""

from __future__ import annotations

from collections.abc import Iterable


class Pseudonyms:
    """`account-1`, `account-2`, … for accounts, by their names in order."""

    def __init__(self, names: Iterable[str]) -> None:
        self._known = {name: f"account-{number}" for number, name in enumerate(sorted(names), start=1)}

    def of(self, name: object) -> str | None:
        """The account's pseudonym; `account-?` for one that is not there, None for None."""
        if name is None:
            return None
        return self._known.get(name, "account-?") if isinstance(name, str) else "account-?"
