"""Skip keys: the panes of Setup Assistant that a profile may leave out (`skip_setup_items`).

The strings are case-sensitive, and the device decides: Apple's server is not known to refuse any (Assumed), so an
unknown one is worth a warning and no more.
Source: Apple, "SkipKeys" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec


class Platform(StrEnum):
    """Operating systems by which Apple tells skip keys apart; iOS stands for iPadOS too."""

    IOS = "iOS"
    MACOS = "macOS"
    TVOS = "tvOS"
    VISIONOS = "visionOS"


class SkipKey(msgspec.Struct, frozen=True):
    """One pane, by the versions of each platform: first with it, deprecated in, first without it."""

    name: str
    since: Mapping[Platform, str]
    deprecated: Mapping[Platform, str] = {}
    removed: Mapping[Platform, str] = {}
    is_pre_fetch: bool = False  # may be shown before the device has its profile, so can't always be skipped
    note: str = ""

    def is_on(self, platform: Platform, version: str) -> bool:
        """Whether that version of the platform has the pane and lets it be skipped."""
        since, removed = self.since.get(platform), self.removed.get(platform)
        if since is None:
            return False
        return _numbers(since) <= _numbers(version) and (removed is None or _numbers(version) < _numbers(removed))


def _numbers(version: str) -> tuple[int, ...]:
    """12.4 as (12, 4, 0): versions compare by number, and 26 is 26.0."""
    parts = [int(part) if part.isascii() and part.isdigit() else 0 for part in version.split(".")[:3]]
    return tuple(parts + [0] * (3 - len(parts)))


def _key(
    name: str,
    *,
    ios: str = "",
    macos: str = "",
    tvos: str = "",
    visionos: str = "",
    deprecated: Mapping[Platform, str] | None = None,
    removed: Mapping[Platform, str] | None = None,
    pre_fetch: bool = False,
    note: str = "",
) -> SkipKey:
    versions = {Platform.IOS: ios, Platform.MACOS: macos, Platform.TVOS: tvos, Platform.VISIONOS: visionos}
    since = {platform: version for platform, version in versions.items() if version}
    return SkipKey(name, since, deprecated or {}, removed or {}, pre_fetch, note)


_IOS, _MACOS = Platform.IOS, Platform.MACOS

_TABLE = (
    _key("Accessibility", macos="11", note="only for additional users, not in initial setup"),
    _key("AccessibilityAppearance", ios="17", pre_fetch=True),
    _key("ActionButton", ios="17"),
    _key("AdditionalPrivacySettings", macos="26", note="in Apple's device-management repository, not in its page"),
    _key("Android", ios="9", note='hides "Move from Android" in Restore'),
    _key("Appearance", ios="13", macos="10.14"),
    _key("AppleID", ios="7", macos="10.9", tvos="10.2", visionos="26"),
    _key("AppStore", ios="14.3", macos="11.1"),
    _key("Biometric", ios="8.1", macos="10.12.4", visionos="26"),
    _key("CameraButton", ios="18"),
    _key("DeviceFeaturesTour", ios="27"),
    _key("DeviceToDeviceMigration", ios="12.4"),
    _key("Diagnostics", ios="7", macos="10.9", tvos="10.2", visionos="26"),
    _key("DisplayTone", ios="9.3.2", macos="10.13.6", deprecated={_IOS: "15", _MACOS: "12"}),
    _key("EnableLockdownMode", ios="17.1", macos="14"),
    _key("FileVault", macos="10.10"),
    _key("HomeButtonSensitivity", ios="10", deprecated={_IOS: "15"}),
    _key("iCloudDiagnostics", macos="10.12.4"),
    _key("iCloudStorage", macos="10.13.4"),
    _key("iMessageAndFaceTime", ios="12"),
    _key("Intelligence", ios="18", macos="15", visionos="26"),
    _key("Keyboard", ios="13", pre_fetch=True),
    _key("LiquidGlass", ios="27", macos="27"),
    _key("Location", ios="7", macos="10.11", tvos="10.2", visionos="26"),
    _key("MessagingActivationUsingPhoneNumber", ios="10"),
    _key("Multitasking", ios="26"),
    _key("OnBoarding", ios="11", deprecated={_IOS: "14"}),
    _key("OSShowcase", ios="26", macos="26.1", removed={_IOS: "27", _MACOS: "27"}),
    _key("Passcode", ios="7", macos="10.9", visionos="26"),
    _key("Payment", ios="8.1", macos="10.12.4", visionos="26"),
    _key("Privacy", ios="11.3", macos="10.13.4", tvos="11.3", visionos="26"),
    _key("Registration", note="macOS, in the list of 2018; gone since"),
    _key("Restore", ios="7", macos="10.9"),
    _key("RestoreCompleted", ios="14"),
    _key("Safety", ios="16"),
    _key("SafetyAndHandling", ios="18.4", pre_fetch=True),
    _key("ScreenSaver", tvos="10.2"),
    _key("ScreenTime", ios="12", macos="10.15", visionos="26"),
    _key("SIMSetup", ios="12", note="skipping it also prevents the automatic setup of an eSIM"),
    _key("Siri", ios="7", macos="10.12", tvos="10.2", visionos="26"),
    _key("SoftwareUpdate", ios="12", macos="15.4", visionos="26"),
    _key("SpokenLanguage", ios="13", pre_fetch=True),
    _key("TapToSetup", tvos="10.2", note="can't always be skipped"),
    _key("TermsOfAddress", ios="16", macos="13", pre_fetch=True),
    _key("Tips", visionos="26"),
    _key("TOS", ios="7", macos="10.9", tvos="10.2", visionos="26"),
    _key("TVHomeScreenSync", tvos="11"),
    _key("TVProviderSignIn", tvos="11"),
    _key("TVRoom", tvos="11.4"),
    _key("UnlockWithWatch", macos="15"),
    _key("UpdateCompleted", ios="14", macos="26.1"),
    _key("Wallpaper", macos="14.1", removed={_MACOS: "26"}),
    _key("WatchMigration", ios="11"),
    _key("WebContentFiltering", ios="18.2", removed={_IOS: "26.1"}),
    _key("Welcome", ios="13", macos="15", visionos="26"),
    _key("Zoom", ios="8.3", visionos="26", deprecated={_IOS: "17"}),
)

SKIP_KEYS: Mapping[str, SkipKey] = MappingProxyType({key.name: key for key in _TABLE})
"""Every skip key known, by its name."""

_BY_FOLDED = {name.lower(): name for name in SKIP_KEYS}


def meant_key(written: str) -> str | None:
    """The skip key that differs from what was written in upper and lower case alone; None where there is none."""
    return _BY_FOLDED.get(written.strip().lower())
