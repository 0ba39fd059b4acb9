"""The server token: Apple's four OAuth secrets and the day they expire.

This is what an encrypted `.p7m` holds (`p7m_open` reads those, `p7m_seal` writes them) and what signs `GET /session`
(`oauth1`). Everything in it but the expiry is secret: no repr, no error and no printed form shows it.
Source: Apple, "Authenticating through Web Tokens" (read 2026-11).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from adept.errors import Misuse, TokenFileError
from adept.protocol.device import read_time
from adept.protocol.file_kinds import FileKind, kind_of

MAXIMUM_SIZE_BYTES = 64 * 1024  # of a token file in any form; real ones have 1 KB, encrypted 3 KB
KEYS = ("consumer_key", "consumer_secret", "access_token", "access_secret", "access_token_expiry")


class ServerToken(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials of one MDM server of the portal.

    The prefixes CK_, CS_, AT_ and AS_ of real tokens are not asked for: simulators and tests use others.
    """

    consumer_key: str
    consumer_secret: str
    access_token: str
    access_secret: str
    access_token_expiry: datetime  # aware, UTC; one year after the download
    expiry_text: str = ""  # the same as Apple wrote it

    def __post_init__(self) -> None:
        if self.access_token_expiry.tzinfo is None:
            raise Misuse("access_token_expiry of a server token must know its time zone")
        expiry = self.access_token_expiry.astimezone(UTC)
        msgspec.structs.force_setattr(self, "access_token_expiry", expiry)
        if not self.expiry_text:
            text = expiry.isoformat().replace("+00:00", "Z")
            msgspec.structs.force_setattr(self, "expiry_text", text)

    @classmethod
    def from_json(cls, text: str | bytes) -> ServerToken:
        """Read Apple's five keys; others are ignored. TokenFileError names a wrong key, never what stood there."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if len(data) > MAXIMUM_SIZE_BYTES:
            raise TokenFileError(f"the server token is larger than {MAXIMUM_SIZE_BYTES // 1024} KB")
        try:
            values = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _not_json(data) from None  # the cause would carry the bytes along
        if not isinstance(values, dict):
            raise TokenFileError(f"the server token is not a JSON object but {_article(values)}")
        secrets = {key: _text(values, key) for key in KEYS}
        expiry_text = secrets.pop("access_token_expiry")
        return cls(**secrets, access_token_expiry=_expiry(expiry_text), expiry_text=expiry_text)

    @classmethod
    def from_file(cls, path: str | Path) -> ServerToken:
        """Read a decrypted token's JSON file. TokenFileError, with the path, if it can't be read or isn't one."""
        try:
            with Path(path).open("rb") as file:
                data = file.read(MAXIMUM_SIZE_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise TokenFileError(f"can't read the server token file {str(path)!r}: {reason}") from error
        try:
            return cls.from_json(data)
        except TokenFileError as error:
            raise TokenFileError(f"{str(path)!r}: {error.message}", way_out=error.way_out) from None

    def to_json(self) -> bytes:
        """Apple's five keys, spelled and ordered as Apple does, on one line."""
        return msgspec.json.encode(
            {key: getattr(self, key) for key in KEYS[:-1]} | {"access_token_expiry": self.expiry_text}
        )

    def is_expired(self, now: datetime) -> bool:
        """Whether Apple would refuse the token at `now` (aware) for its age alone."""
        return now >= self.access_token_expiry

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the consumer key in hex: tells two servers' tokens apart without showing either."""
        return hashlib.sha256(self.consumer_key.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"ServerToken(fingerprint={self.fingerprint[:12]!r}, access_token_expiry={self.expiry_text!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """As `__repr__`; without it rich would print the fields."""
        return [("fingerprint", self.fingerprint[:12]), ("access_token_expiry", self.expiry_text)]


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    if value is None:
        raise TokenFileError(f"the server token has no {key}")
    if not isinstance(value, str):
        raise TokenFileError(f"{key} of the server token is not a string but {_article(value)}")
    if not value.strip():
        raise TokenFileError(f"{key} of the server token is empty")
    return value


def _expiry(text: str) -> datetime:
    try:
        return read_time(text.upper()).astimezone(UTC)  # fromisoformat knows T and Z in upper case only
    except (ValueError, OverflowError):
        raise TokenFileError("access_token_expiry of the server token is not a date as 2027-01-14T21:27:41Z") from None


def _not_json(data: bytes) -> TokenFileError:
    if not data.strip():
        return TokenFileError("the server token file is empty")
    kind = kind_of(data)
    if kind is FileKind.SEALED:
        return TokenFileError(
            "the server token is still encrypted, as Apple's portal hands it out",
            way_out="decrypt it with the private key first (adept token decrypt)",
        )
    if kind is FileKind.DECRYPTED and not data.lstrip().startswith(b"{"):
        return TokenFileError("the server token has lines around its JSON", way_out="keep what is from { to }")
    if kind in (None, FileKind.JSON, FileKind.DECRYPTED):
        return TokenFileError("can't read the server token: it is not JSON, or cut short")
    return TokenFileError(f"can't read the server token: this is {kind.value}")


def _article(value: object) -> str:
    words = {type(None): "null", bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    return words.get(type(value), "a number")
