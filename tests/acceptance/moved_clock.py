"""Processes whose clock is not the machine's: by Debian's libfaketime, which moves it while they run."""

from __future__ import annotations

from pathlib import Path


class MovedClock:
    """A clock that those see who are started with its `environment`; they notice within a second that it was set."""

    def __init__(self, file: Path, *, ahead_s: int = 0) -> None:
        self._file = file
        self.set(ahead_s)

    def set(self, ahead_s: int) -> None:
        """So far ahead of the machine's clock from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_s:+d}\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that have a process see it. What runs evenly (the monotonic clock) stays as it is."""
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        assert found, "moving a process's clock needs libfaketime; install it with: apt-get install libfaketime"
        return {
            "LD_PRELOAD": str(found[-1]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
