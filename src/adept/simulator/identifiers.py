"""Numbers that devices carry: serial numbers of both shapes, IMEI, MEID, EID, MAC addresses.

Each is drawn from one 256-bit integer per device and looked up in tables, so that a million of them take seconds.
"""

from __future__ import annotations

# No vowels, no look-alikes; four digits stand twice, so that there are 32 symbols and five bits choose one.
ALPHABET = "0123456789CDFGHJKLMNPQRTVWXY6789"
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)  # indexed by 10 bits
_PLANTS = ("C02", "F9F", "DMP", "GG7", "FVF", "DLX", "F2L", "C39")
_YEAR_CODES = "CDFGHJKLMNPQRSTVWXYZ"  # half a year each
_WEEK_CODES = "123456789CDFGHJKLMNPQRTVWXY"
_MAC_PREFIXES = ("F0:18:98", "A4:83:E7", "3C:22:FB", "14:7D:DA", "BC:D0:74", "AC:BC:32", "60:8B:0E", "D8:BE:1F")
_HEX = tuple(f"{number:02X}" for number in range(256))
_DIGITS = tuple(f"{number:03d}" for number in range(1000))


def _luhn_share(digits: str, *, doubled_first: bool) -> int:
    """What a run of digits adds to a Luhn sum, its first digit doubled or not."""
    doubled = [int(digit) * (2 if (place % 2 == 0) == doubled_first else 1) for place, digit in enumerate(digits)]
    return sum(number - 9 if number > 9 else number for number in doubled)


# An IMEI is 8 digits of type, 6 of serial and the check digit; counted from the left, every second digit is doubled.
_LUHN_FIRST = tuple(_luhn_share(digits, doubled_first=False) for digits in _DIGITS)
_LUHN_SECOND = tuple(_luhn_share(digits, doubled_first=True) for digits in _DIGITS)


def new_serial(bits: int) -> str:
    """Ten random characters, the shape since 2021; uses 50 bits."""
    return (
        _PAIRS[bits & 1023]
        + _PAIRS[bits >> 10 & 1023]
        + _PAIRS[bits >> 20 & 1023]
        + _PAIRS[bits >> 30 & 1023]
        + _PAIRS[bits >> 40 & 1023]
    )


def old_serial(bits: int, model_code: str) -> str:
    """Twelve characters: plant, half-year, week, unit, model; uses 50 bits."""
    return (
        _PLANTS[bits & 7]
        + _YEAR_CODES[(bits >> 3 & 31) % 20]
        + _WEEK_CODES[(bits >> 8 & 31) % 27]
        + _PAIRS[bits >> 13 & 1023]
        + ALPHABET[bits >> 23 & 31]
        + model_code
    )


def luhn_of_type(tac: str) -> int:
    """The share of an IMEI's first eight digits in its Luhn sum."""
    return _luhn_share(tac, doubled_first=False)


def imei(bits: int, tac: str, tac_luhn: int) -> str:
    """A fifteen-digit IMEI whose check digit is right; `tac_luhn` is `luhn_of_type(tac)`. Uses 20 bits."""
    first, second = (bits & 1023) % 1000, (bits >> 10 & 1023) % 1000
    check = -(tac_luhn + _LUHN_FIRST[first] + _LUHN_SECOND[second]) % 10
    return f"{tac}{_DIGITS[first]}{_DIGITS[second]}{check}"


def eid(bits: int) -> str:
    """Thirty-two digits of an embedded SIM, with Apple's issuer at the front; uses 64 bits."""
    return f"8904903200{bits & 0xFFFF_FFFF_FFFF_FFFF:022d}"


def mac_address(bits: int) -> str:
    """A MAC address under one of eight vendor prefixes; uses 27 bits."""
    return f"{_MAC_PREFIXES[bits & 7]}:{_HEX[bits >> 3 & 255]}:{_HEX[bits >> 11 & 255]}:{_HEX[bits >> 19 & 255]}"
