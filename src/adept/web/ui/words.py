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
    "key_revoked": "The key was revoked. It is worth nothing from now on.",
}


def word_of(words: Mapping[str, Word], name: str | None) -> Word:
    """The word for a name; one that Apple invented since is shown as it came."""
    return words.get(name or "", Word(name or "unknown", "unknown", "secondary"))


def family_icon(family: str | None) -> str:
    """The icon of a device family, in any spelling."""
    return FAMILIES.get((family or "").replace(" ", "").lower(), "unknown")
