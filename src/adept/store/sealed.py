"""Every column with sealed secrets, and the purpose each is sealed for: what a rotation goes through.

Sessions with Apple are not among them: a rotation forgets them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row, Table

from adept.store.keyset import key_columns
from adept.store.tables import keypairs, server_tokens


@dataclass(frozen=True)
class SealedColumn:
    """A column; `purpose` is that of a row, with the columns of the primary key to be filled in."""

    table: Table
    column: Column[bytes]
    purpose: str

    def purpose_of(self, row: Row[Any]) -> str:
        """What the row's secret is sealed for."""
        return self.purpose.format(**{column.name: row._mapping[column] for column in key_columns(self.table)})  # noqa: SLF001


SEALED = (
    SealedColumn(keypairs, keypairs.c.private_key_sealed, "keypair:{id}"),
    SealedColumn(server_tokens, server_tokens.c.sealed, "token:{id}"),
)
