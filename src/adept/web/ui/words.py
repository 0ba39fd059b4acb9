"""The one place for what a word of ours is called on the page, and for its icon and colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adept.accounts.health import Health


@dataclass(frozen=True, slots=True)
class Word:
    """How a word is shown. `icon` is a symbol of icons.svg, `colour` one of Tabler's names; `needs` a person."""

    label: str
    icon: str
    colour: str
    needs: bool = False


HEALTH: Mapping[str, Word] = {
    Health.NO_TOKEN: Word("No token yet", "key", "azure", needs=True),
    Health.OK: Word("OK", "check", "green"),
    Health.EXPIRING: Word("Token ends soon", "clock", "orange", needs=True),
    Health.EXPIRED: Word("Token ended", "stop", "red", needs=True),
    Health.REJECTED: Word("Token rejected", "stop", "red", needs=True),
    Health.TERMS_NOT_SIGNED: Word("Terms not accepted", "contract", "red", needs=True),
    Health.FORBIDDEN: Word("Access denied", "lock", "red", needs=True),
    Health.THROTTLED: Word("Apple asks to wait", "clock", "yellow"),
    Health.UNREACHABLE: Word("Apple not reached", "plug", "orange"),
    Health.HELD: Word("Waits for you", "hand", "orange", needs=True),
    Health.PAUSED: Word("Paused", "pause", "secondary"),
}

PASS_STATES: Mapping[str, Word] = {
    "queued": Word("Queued", "clock", "secondary"),
    "running": Word("Running", "sync", "blue"),
    "done": Word("Done", "check", "green"),
    "failed": Word("Failed", "stop", "red"),
    "throttled": Word("Asked to wait", "clock", "yellow"),
    "lost": Word("Taken over", "plug", "secondary"),
}

PASS_KINDS: Mapping[str, str] = {"sync": "Sync", "full": "Full sync"}

CHANGE_KINDS: Mapping[str, Word] = {
    "added": Word("Added", "added", "green"),
    "modified": Word("Changed", "modified", "blue"),
    "deleted": Word("Gone", "deleted", "red"),
}

# What became of a device: the kinds of changes, and a move between two accounts of ours.
EVENT_KINDS: Mapping[str, Word] = {**CHANGE_KINDS, "moved": Word("Moved", "external", "azure")}

DEVICE_THERE = Word("There", "check", "green")

# What Apple answers in place of a device that it is asked about.
ABSENCES: Mapping[str, str] = {
    "NOT_FOUND": "Apple doesn't have the device for this MDM server.",
    "NOT_ACCESSIBLE": "The device is not this MDM server's to ask about: it is another's, or nobody's.",
    "NOT_ANSWERED": "Apple left the device out of its answer.",
}

DELETED_REASONS: Mapping[str, str] = {
    "deleted": "unassigned, moved or released at Apple",
    "replaced": "replaced by another device",
    "missing": "no longer known to Apple",
    "server_replaced": "the account was given another server",
    "account_removed": "the account was removed",
}

FAMILIES: Mapping[str, str] = {
    "mac": "mac",
    "iphone": "iphone",
    "ipad": "ipad",
    "appletv": "tv",
    "watch": "watch",
    "vision": "vision",
}

PROFILE_STATES: Mapping[str, Word] = {
    "empty": Word("No profile", "unknown", "secondary"),
    "assigned": Word("Assigned", "check", "blue"),
    "pushed": Word("Pushed", "check", "green"),
    "removed": Word("Removed", "deleted", "orange"),
}

ROLES: Mapping[str, str] = {
    "viewer": "Viewer: reads",
    "operator": "Operator: also syncs, pauses, decides holds",
    "admin": "Admin: everything",
}


USER_STATES: Mapping[str, Word] = {
    "active": Word("Active", "check", "green"),
    "disabled": Word("Disabled", "lock", "secondary"),
    "ended": Word("Ended", "stop", "red"),
    "revoked": Word("Revoked", "x", "secondary"),
}

TOKEN_STATES: Mapping[str, Word] = {
    "candidate": Word("Waits", "clock", "orange"),
    "active": Word("In use", "check", "green"),
    "retired": Word("Ended", "x", "secondary"),
}

KEYPAIR_STATES: Mapping[str, Word] = {
    "staged": Word("For the next token", "key", "azure"),
    "active": Word("In use", "check", "green"),
    "retired": Word("Retired", "x", "secondary"),
}

HOLD_STATES: Mapping[str, Word] = {
    "open": Word("Waits for you", "hand", "orange", needs=True),
    "confirmed": Word("Confirmed", "check", "green"),
    "discarded": Word("Discarded", "x", "secondary"),
    "replaced": Word("Replaced by a newer one", "sync", "secondary"),
}

# What Apple says of an account, by Apple's keys.
IDENTITY: Mapping[str, str] = {
    "org_name": "Organisation",
    "server_name": "MDM server",
    "server_uuid": "Server identifier",
    "org_email": "Email",
    "org_phone": "Phone",
    "org_address": "Address",
    "org_type": "Kind",
    "org_version": "Portal version",
    "org_id": "Organisation number",
    "org_id_hash": "Organisation identifier",
    "admin_id": "Token made by",
    "facilitator_id": "Facilitator",
    "urls": "What may be asked",
}

# How often an account is synced, in seconds.
INTERVALS: Mapping[int, str] = {
    300: "5 minutes",
    900: "15 minutes",
    1800: "30 minutes",
    3600: "hour",
    7200: "2 hours",
    21600: "6 hours",
    43200: "12 hours",
    86400: "day",
    259200: "3 days",
    518400: "6 days",
}

# What a page says at its top after a form did what it is for.
DONE: Mapping[str, str] = {
    "logged_out": "You are logged out.",
    "user_added": "The user was added. They can change the password under their name.",
    "role_changed": "The role was changed. It counts from their next click on.",
    "user_disabled": "The user was disabled, and all their sessions were ended.",
    "user_enabled": "The user can log in again.",
    "password_set": "The password was set, and all sessions of the user were ended.",
    "password_changed": "Your password was changed, and your other sessions were ended.",
    "session_ended": "The session was ended.",
    "sessions_ended": "All sessions were ended.",
    "token_taken": "Apple accepted the token.",
    "token_renewed": "Apple accepted the new token. Nothing else changed.",
    "sync_asked": "The sync was asked for. It shows below as it goes on.",
    "full_sync_asked": "The full sync was asked for. It shows below as it goes on.",
    "account_paused": "The account is paused. A sync in progress goes to its end.",
    "account_resumed": "The account is synced again.",
    "account_changed": "The settings were changed. They count from the next sync on.",
    "account_removed": "The account was removed, with its devices and tokens. Nothing changed at Apple.",
    "hold_confirmed": "The hold was confirmed: its devices are marked as gone.",
    "hold_discarded": "The hold was discarded: its devices stay.",
    "key_revoked": "The key was revoked. It is worth nothing from now on.",
}


def word_of(words: Mapping[str, Word], name: str | None) -> Word:
    """The word for a name; one that Apple invented since is shown as it came."""
    return words.get(name or "", Word(name or "unknown", "unknown", "secondary"))


def family_icon(family: str | None) -> str:
    """The icon of a device family, in any spelling."""
    return FAMILIES.get((family or "").replace(" ", "").lower(), "unknown")
