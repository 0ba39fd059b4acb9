"""A list as it is shown: some items, and where the next ones begin."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from adept.errors import Misuse

T = TypeVar("T")


class ItemList(BaseModel, Generic[T]):
    """One page of a list. `next_cursor` is what to ask the next page with; null at the end."""

    model_config = ConfigDict(frozen=True)

    items: list[T]
    next_cursor: str | None = Field(default=None, description="Where the list goes on; null at its end.")


def read_cursor(text: str | None) -> int | None:
    """The id that a cursor of passes or changes stands for. Misuse for what no list of ours ever gave."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Misuse(
            f"the cursor {text[:40]!r} is none of this list's", way_out="use the next_cursor of an earlier list"
        )
    return int(text)
