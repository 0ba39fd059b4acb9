"""On what it was measured: machine, versions, command. Nothing that names a person or a place."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("httpx2", "msgspec", "oauthlib", "sqlalchemy", "aiosqlite", "psycopg", "requests", "requests-oauthlib")


def processor() -> str:
    """The processor's name, as Linux tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory_gb() -> float:
    """Physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def commit() -> str:
    """The commit that was measured, and whether something else was in the folder."""
    ran = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "unknown"


def described(command: str, *, postgresql: str) -> str:
    """All of it as a list in Markdown."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    adept = f"adept {version('adept-mdm')} ({commit()}), Python {platform.python_version()}"
    engines = f"SQLite {sqlite3.sqlite_version}, PostgreSQL {postgresql}"
    return "\n".join(
        [
            f"- machine: {os.cpu_count()} cores of {processor()}, {memory_gb():.0f} GB of memory, {platform.system()}",
            f"- versions: {adept}, {engines}; {packages}",
            f"- command: `{command}`",
        ]
    )
