"""Reads depsim's configuration files as they are.

A JSON object, all keys optional: `device_insertions` with `devices_per_event` and `device_types`, and lists of
`{"count", "response"}` under `<method>_<path>_responses`. Anything else stops the start and is named.
Observed: the shape, in configuration files of clients of the field; depsim itself is no longer published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adept.errors import ConfigError
from adept.simulator.catalogue import DEPSIM_TYPES
from adept.simulator.fault_words import ENDPOINTS, find_word

_SUFFIX = "_responses"


@dataclass(frozen=True)
class Configuration:
    """What a configuration asks for. `devices` None: it names no size of the fleet."""

    devices: int | None = None
    families: tuple[str, ...] = ()
    faults: tuple[tuple[str, str, int], ...] = ()  # endpoint, word, count; in order


def read_configuration(source: Mapping[str, Any] | str | Path | None) -> Configuration:
    """Read a configuration from a file or a dictionary. Raises ConfigError naming the first thing it can't use."""
    if source is None:
        return Configuration()
    document, where = (source, "configuration") if isinstance(source, Mapping) else _load(Path(source))
    devices: int | None = None
    families: tuple[str, ...] = ()
    faults: list[tuple[str, str, int]] = []
    for key, value in document.items():
        if key == "device_insertions":
            devices, families = _insertions(value, where)
        elif key.endswith(_SUFFIX) and key.removesuffix(_SUFFIX) in ENDPOINTS:
            faults.extend(_responses(key, value, where))
        else:
            raise ConfigError(f"{where}: unknown key {key!r}")
    return Configuration(devices, families, tuple(faults))


def _load(path: Path) -> tuple[dict[str, Any], str]:
    try:
        document = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"can't read the simulator's configuration {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected a JSON object")
    return document, str(path)


def _insertions(value: Any, where: str) -> tuple[int | None, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: device_insertions is an object")
    for key in value:
        if key not in ("devices_per_event", "device_types"):
            raise ConfigError(f"{where}: unknown key {key!r} in device_insertions")
    count = value.get("devices_per_event")
    if count is not None and (type(count) is not int or count < 0):
        raise ConfigError(f"{where}: devices_per_event is a number of devices, not {count!r}")
    types = value.get("device_types", [])
    if not isinstance(types, list):
        raise ConfigError(f"{where}: device_types is a list")
    return count, tuple(_family(name, where) for name in types)


def _family(name: Any, where: str) -> str:
    try:
        return DEPSIM_TYPES[str(name).upper()]
    except KeyError:
        raise ConfigError(
            f"{where}: unknown device type {name!r}", way_out=f"known are {', '.join(DEPSIM_TYPES)}"
        ) from None


def _responses(key: str, value: Any, where: str) -> list[tuple[str, str, int]]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: {key} is a list")
    endpoint = key.removesuffix(_SUFFIX)
    found = []
    for entry in value:
        if not isinstance(entry, Mapping) or set(entry) - {"count", "response"} or "response" not in entry:
            raise ConfigError(f'{where}: an entry of {key} is {{"count", "response"}}, not {entry!r}')
        count, word = entry.get("count", 1), entry["response"]
        if type(count) is not int or count < 1:
            raise ConfigError(f"{where}: the count of an entry of {key} is at least 1, not {count!r}")
        find_word(str(word), endpoint)
        found.append((endpoint, str(word), count))
    return found
