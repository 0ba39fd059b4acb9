"""The demonstration goes on as a service: the one of `adept serve`, on the story's store and its simulated Apple."""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from adept.cli.demo_story import ACCOUNT
from adept.cli.output import warn
from adept.cli.storage import person, utc_now

if TYPE_CHECKING:
    from adept.simulator.running import Running
    from adept.store.database import Store

USER = "admin"
TUTORIAL = "docs/tutorial/in-the-browser.md"


async def make_ready(store: Store) -> str:
    """Make the first administrator, and have the account synced as often as can be; returns the password."""
    from adept.access.roles import Role
    from adept.access.users import add_user
    from adept.accounts.edits import INTERVALS_S
    from adept.accounts.registry import change

    password = readable_password()
    await add_user(store, USER, role=Role.ADMIN, password=password, by=person(), now=utc_now)
    await change(store, ACCOUNT, version=None, interval_s=INTERVALS_S[0], by=person(), now=utc_now)
    return password


async def keep_running(stop: asyncio.Event, data_dir: Path, apple: Running, password: str) -> None:
    """Run the service until the event is set; what to do with it is told once it answers, where it is in the end."""
    from adept.setting_values import LogFormat, LogLevel
    from adept.settings import Settings
    from adept.web.logs import configure_logs
    from adept.web.server import serve_until

    def tell(url: str, _metrics_url: str | None) -> None:
        print(f"""
Now look at it in a browser; the service runs until Ctrl-C.
  1. Open {url} and log in as {USER}, with the password below.
  2. Open {apple.control_url} beside it: the portal, where you play Apple's side. Buy devices, and
     watch them come: by themselves within a minute or so, or at once with "Sync now".
{TUTORIAL} shows you around in ten minutes.

portal={apple.control_url}
url={url} user={USER} password={password}""", flush=True)  # fmt: skip

    configure_logs(LogLevel.ERROR, LogFormat.TEXT, sys.stderr)
    # made as it is: neither the environment nor a file has a say in the demonstration
    settings = Settings.model_construct(data_dir=data_dir, port=0, url=apple.url)
    await serve_until(stop, settings, on_ready=tell, on_set_up=warn)


def readable_password() -> str:
    """A random password that can be typed from one screen to another: bodu-kami-resu-tolo."""
    words = ("".join(secrets.choice(letters) for letters in ("bdfgklmnprstvz", "aeiou") * 2) for _ in range(4))
    return "-".join(words)
