"""Activation Lock: what POST /device/activationlock answers. One device a request; failures come as HTTP 200.

Needs protocol version 2 and an organisation in Apple School or Business Manager.
Source: Apple, "Activation Lock Status" and "Activate the Activation Lock" (read 2026-11).
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from adept.protocol.answers import read_struct
from adept.protocol.device import fold_serial

_ESCROW_KEY = re.compile(r"[0-9A-Fa-f]{64}")


class ActivationLockStatus(StrEnum):
    """Apple's word on the one device. Apple may add to it: the field holds a plain string."""

    SUCCESS = "SUCCESS"
    NOT_ACCESSIBLE = "NOT_ACCESSIBLE"  # this MDM server does not see the serial number
    ORG_NOT_SUPPORTED = "ORG_NOT_SUPPORTED"  # the organisation or device is not in the new programme
    DEVICE_NOT_SUPPORTED = "DEVICE_NOT_SUPPORTED"  # this type can't be locked; Apple names the Mac
    DEVICE_ALREADY_LOCKED = "DEVICE_ALREADY_LOCKED"
    FAILED = "FAILED"  # try again, then contact Apple


class ActivationLockResult(msgspec.Struct, frozen=True):
    """Whether the lock was set."""

    serial_number: str
    response_status: str  # ActivationLockStatus, or what Apple adds

    @property
    def is_success(self) -> bool:
        """Whether the device is locked now, by this request."""
        return self.response_status == ActivationLockStatus.SUCCESS


def decode_activation_lock(body: bytes, *, endpoint: str) -> ActivationLockResult:
    """Read the answer; raises Malformed."""
    result = read_struct(body, ActivationLockResult, endpoint=endpoint, what="the result of an activation lock")
    return msgspec.structs.replace(result, serial_number=fold_serial(result.serial_number))


def is_escrow_key(text: str) -> bool:
    """Whether this may be sent as `escrow_key`: 64 hex digits in either case, which is never the dashed code."""
    return _ESCROW_KEY.fullmatch(text) is not None
