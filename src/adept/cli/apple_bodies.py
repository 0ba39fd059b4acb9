"""Apple's JSON answers to several requests joined into one, every value byte for byte as Apple sent it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

Members = dict[str, msgspec.Raw]

_members = msgspec.json.Decoder(Members).decode
_entries = msgspec.json.Decoder(list[msgspec.Raw] | None).decode
_seconds = msgspec.json.Decoder(float).decode


def devices_of(body: bytes) -> Iterable[msgspec.Raw]:
    """The devices of a page, each as Apple sent it."""
    return _entries(_members(body).get("devices", b"null")) or ()


def last_members(body: bytes) -> bytes:
    """What a page says beside its devices, as members of an object, with a comma before."""
    members = _members(body)
    told = {name: members[name] for name in ("cursor", "fetched_until", "more_to_follow") if name in members}
    return b"," + msgspec.json.encode(told)[1:-1] if told else b""


def join_maps(bodies: Sequence[bytes]) -> bytes:
    """Answers whose `devices` map serial numbers, as one; a single one stays as it is. Of several waits the longest."""
    if len(bodies) == 1:
        return bodies[0]
    joined: Members = {}
    devices: Members = {}
    for members in map(_members, bodies):
        devices.update(_members(members.pop("devices", msgspec.Raw(b"{}"))))
        if (wait := members.pop("retry_after_seconds", None)) is not None:
            joined["retry_after_seconds"] = max(joined.get("retry_after_seconds", wait), wait, key=_seconds)
        joined = members | joined
    return msgspec.json.encode(joined | {"devices": devices})
