"""Skip keys."""

from __future__ import annotations

import pytest

from adept.protocol.skip_keys import SKIP_KEYS, Platform, meant_key

# key: first iOS, macOS, tvOS, visionOS. Source: Apple, "SkipKeys" (read 2026-11), typed a second time.
TABLE = """
Accessibility - 11 - -
AccessibilityAppearance 17 - - -
ActionButton 17 - - -
Android 9 - - -
Appearance 13 10.14 - -
AppleID 7 10.9 10.2 26
AppStore 14.3 11.1 - -
Biometric 8.1 10.12.4 - 26
CameraButton 18 - - -
DeviceFeaturesTour 27 - - -
DeviceToDeviceMigration 12.4 - - -
Diagnostics 7 10.9 10.2 26
DisplayTone 9.3.2 10.13.6 - -
EnableLockdownMode 17.1 14 - -
FileVault - 10.10 - -
HomeButtonSensitivity 10 - - -
iCloudDiagnostics - 10.12.4 - -
iCloudStorage - 10.13.4 - -
iMessageAndFaceTime 12 - - -
Intelligence 18 15 - 26
Keyboard 13 - - -
LiquidGlass 27 27 - -
Location 7 10.11 10.2 26
MessagingActivationUsingPhoneNumber 10 - - -
Multitasking 26 - - -
OnBoarding 11 - - -
OSShowcase 26 26.1 - -
Passcode 7 10.9 - 26
Payment 8.1 10.12.4 - 26
Privacy 11.3 10.13.4 11.3 26
Restore 7 10.9 - -
RestoreCompleted 14 - - -
Safety 16 - - -
SafetyAndHandling 18.4 - - -
ScreenSaver - - 10.2 -
ScreenTime 12 10.15 - 26
SIMSetup 12 - - -
Siri 7 10.12 10.2 26
SoftwareUpdate 12 15.4 - 26
SpokenLanguage 13 - - -
TapToSetup - - 10.2 -
TermsOfAddress 16 13 - -
Tips - - - 26
TOS 7 10.9 10.2 26
TVHomeScreenSync - - 11 -
TVProviderSignIn - - 11 -
TVRoom - - 11.4 -
UnlockWithWatch - 15 - -
UpdateCompleted 14 26.1 - -
Wallpaper - 14.1 - -
WatchMigration 11 - - -
WebContentFiltering 18.2 - - -
Welcome 13 15 - 26
Zoom 8.3 - - 26
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
UNDOCUMENTED = {"AdditionalPrivacySettings", "Registration"}


def test_the_table_has_every_key_of_apples_page_and_two_met_elsewhere() -> None:
    assert set(SKIP_KEYS) == {row[0] for row in ROWS} | UNDOCUMENTED
    assert len(ROWS) == 54


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_key_is_there_from_these_versions(row: list[str]) -> None:
    name, *versions = row
    since = {platform: version for platform, version in zip(Platform, versions, strict=True) if version != "-"}
    assert dict(SKIP_KEYS[name].since) == since


def test_these_keys_are_deprecated() -> None:
    deprecated = {name: dict(key.deprecated) for name, key in SKIP_KEYS.items() if key.deprecated}
    assert deprecated == {
        "DisplayTone": {"iOS": "15", "macOS": "12"},
        "HomeButtonSensitivity": {"iOS": "15"},
        "OnBoarding": {"iOS": "14"},
        "Zoom": {"iOS": "17"},
    }


def test_these_keys_are_removed() -> None:
    removed = {name: dict(key.removed) for name, key in SKIP_KEYS.items() if key.removed}
    assert removed == {
        "OSShowcase": {"iOS": "27", "macOS": "27"},
        "Wallpaper": {"macOS": "26"},
        "WebContentFiltering": {"iOS": "26.1"},
    }


def test_these_panes_may_show_before_the_device_has_its_profile() -> None:
    assert {name for name, key in SKIP_KEYS.items() if key.is_pre_fetch} == {
        "AccessibilityAppearance",
        "Keyboard",
        "SafetyAndHandling",
        "SpokenLanguage",
        "TermsOfAddress",
    }


@pytest.mark.parametrize(
    ("name", "platform", "version", "is_on"),
    [
        ("DisplayTone", Platform.IOS, "9.3.2", True),
        ("DisplayTone", Platform.IOS, "9.3.1", False),
        ("DisplayTone", Platform.IOS, "10", True),
        ("Appearance", Platform.MACOS, "10.9", False),
        ("Appearance", Platform.MACOS, "10.14.0", True),
        ("Wallpaper", Platform.MACOS, "15.7.9", True),
        ("Wallpaper", Platform.MACOS, "26", False),
        ("Wallpaper", Platform.MACOS, "26.0.0.1", False),
        ("Wallpaper", Platform.IOS, "26", False),
        ("WebContentFiltering", Platform.IOS, "26", True),
        ("WebContentFiltering", Platform.IOS, "26.1", False),
        ("Zoom", Platform.VISIONOS, "26", True),
        ("Registration", Platform.MACOS, "10.13", False),
        ("AppleID", Platform.TVOS, "10.1", False),
        ("AppleID", Platform.TVOS, "beta", False),
    ],
)
def test_versions_compare_by_number(name: str, platform: Platform, version: str, is_on: bool) -> None:
    assert SKIP_KEYS[name].is_on(platform, version) is is_on


@pytest.mark.parametrize(("written", "meant"), [("siri", "Siri"), (" appleid ", "AppleID"), ("SIMsetup", "SIMSetup")])
def test_a_key_in_the_wrong_case_is_recognised(written: str, meant: str) -> None:
    assert written not in SKIP_KEYS
    assert meant_key(written) == meant


def test_nothing_is_guessed_beyond_the_case() -> None:
    assert meant_key("Siry") is None
