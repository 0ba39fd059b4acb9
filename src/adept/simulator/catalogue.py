"""What an organisation may own: families, models, colours and what tells them apart on the wire.

Marketing names and colours are plausible, not complete; nothing here is read by the client.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """One product as the service describes it."""

    family: str  # device_family
    os: str
    name: str  # model
    short: str  # the head of description: short name, then storage, then colour
    colors: tuple[str, ...]
    sizes: tuple[str, ...]
    code: str  # the last four characters of a serial number of the old shape
    tac: str | None = None  # first eight digits of its IMEI; None where it has no cellular radio
    has_ethernet: bool = False
    old_serials: bool = False  # sold when serial numbers had twelve characters and a meaning


MODELS: tuple[Model, ...] = (
    Model(
        "iPad",
        "iPadOS",
        "iPad (A16)",
        "IPAD 11 A16 WI-FI",
        ("BLUE", "PINK", "SILVER", "YELLOW"),
        ("128GB", "256GB"),
        "Q1G8",
    ),
    Model(
        "iPad",
        "iPadOS",
        "iPad (9th generation)",
        "IPAD 10.2 WI-FI",
        ("SPACE GRAY", "SILVER"),
        ("64GB", "256GB"),
        "Q1KM",
        old_serials=True,
    ),
    Model(
        "iPad",
        "iPadOS",
        "iPad Air 11-inch (M3)",
        "IPAD AIR 11 WI-FI+CELL",
        ("STARLIGHT", "PURPLE", "BLUE"),
        ("128GB", "512GB"),
        "Q2LC",
        "35316811",
    ),
    Model(
        "iPad",
        "iPadOS",
        "iPad Pro 13-inch (M4)",
        "IPAD PRO 13 WI-FI",
        ("SPACE BLACK", "SILVER"),
        ("256GB", "1TB"),
        "Q3XP",
    ),
    Model(
        "iPhone",
        "iOS",
        "iPhone 16",
        "IPHONE 16",
        ("BLACK", "WHITE", "PINK", "TEAL", "ULTRAMARINE"),
        ("128GB", "256GB"),
        "Q5TD",
        "35674112",
    ),
    Model(
        "iPhone",
        "iOS",
        "iPhone 16 Pro",
        "IPHONE 16 PRO",
        ("BLACK TITANIUM", "NATURAL TITANIUM", "DESERT TITANIUM"),
        ("256GB", "1TB"),
        "Q6RA",
        "35091244",
    ),
    Model(
        "iPhone",
        "iOS",
        "iPhone SE (2nd generation)",
        "IPHONE SE",
        ("BLACK", "WHITE", "RED"),
        ("64GB", "128GB"),
        "PLJM",
        "35641810",
        old_serials=True,
    ),
    Model(
        "iPod",
        "iOS",
        "iPod touch (7th generation)",
        "IPOD TOUCH",
        ("SPACE GRAY", "BLUE", "RED"),
        ("32GB", "128GB"),
        "M93Y",
        old_serials=True,
    ),
    Model(
        "Mac",
        "OSX",
        "MacBook Air",
        "MBA 13.6",
        ("SKY BLUE", "MIDNIGHT", "STARLIGHT", "SILVER"),
        ("8C 16GB 256GB", "10C 24GB 512GB"),
        "2T4W",
    ),
    Model(
        "Mac", "OSX", "MacBook Pro", "MBP 14.2", ("SPACE BLACK", "SILVER"), ("12C 24GB 512GB", "14C 48GB 1TB"), "3H8Q"
    ),
    Model(
        "Mac",
        "OSX",
        "MacBook Pro",
        "MBP 13.3",
        ("SPACE GRAY", "SILVER"),
        ("I5 8GB 256GB", "I7 16GB 512GB"),
        "ML7H",
        old_serials=True,
    ),
    Model(
        "Mac",
        "OSX",
        "Mac mini",
        "MAC MINI",
        ("SILVER",),
        ("10C 16GB 256GB", "12C 24GB 512GB"),
        "5K2N",
        has_ethernet=True,
    ),
    Model("Mac", "OSX", "iMac", "IMAC 24", ("BLUE", "GREEN", "SILVER"), ("10C 16GB 256GB",), "6W1V", has_ethernet=True),
    Model(
        "AppleTV",
        "tvOS",
        "Apple TV 4K (3rd generation)",
        "APPLE TV 4K",
        ("BLACK",),
        ("64GB", "128GB"),
        "7P0R",
        has_ethernet=True,
    ),
    Model("Vision", "visionOS", "Apple Vision Pro", "VISION PRO", ("SILVER",), ("256GB", "512GB", "1TB"), "8V3Z"),
)

FAMILY_WEIGHTS = {"iPad": 46, "iPhone": 24, "Mac": 22, "AppleTV": 4, "iPod": 3, "Vision": 1}

# Observed: depsim's configuration names its device types in capitals; only IPAD is evidenced, the others follow it.
DEPSIM_TYPES = {
    "IPAD": "iPad",
    "IPHONE": "iPhone",
    "IPOD": "iPod",
    "MAC": "Mac",
    "APPLETV": "AppleTV",
    "APPLE_TV": "AppleTV",
    "VISION": "Vision",
}


def models_of(family: str) -> tuple[Model, ...]:
    """The models of a family; empty for a family nobody knows."""
    return tuple(model for model in MODELS if model.family == family)
