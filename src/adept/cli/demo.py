"""`adept demo`: adept's main job from end to end, against a simulated Apple on this machine, in a store of its own.

After the story, the service goes on with what is there, for whoever wants to look at it in a browser.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import App, Parameter

from adept.cli.event_loop import run_async
from adept.cli.output import ErrorsAsJson
from adept.errors import Misuse

app = App(name="demo", help_epilogue="Example: adept demo --devices 500")


@app.default
def demo(
    *,
    once: Annotated[bool, Parameter(help="End after the story, rather than go on as a service.")] = False,
    devices: Annotated[int, Parameter(help="How many devices the organisation has; default: 2000.")] = 2000,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the story is for people
) -> None:
    """Show adept's main job from end to end: token exchange, first fetch, changes at Apple, sync, proof.

    Then the service runs on these devices until Ctrl-C, with a portal to play Apple's side in; the last line says where
    it is and how to log in. Apple is simulated on free ports of this machine; the store is a temporary one, and gone
    afterwards. Nothing else is touched.
    """
    from adept.cli.demo_story import FEWEST_DEVICES

    if devices < FEWEST_DEVICES:
        raise Misuse(f"the demonstration needs at least {FEWEST_DEVICES} devices, not {devices}")
    run_async(_demonstrate(devices, once=once))
    if not once:
        print("\nstopped; nothing of the demonstration is left", file=sys.stderr)


async def _demonstrate(devices: int, *, once: bool) -> None:
    from adept.cli.demo_portal import Portal
    from adept.cli.demo_service import keep_running, make_ready
    from adept.cli.demo_story import Story
    from adept.simulator.running import serve
    from adept.simulator.simulator import Simulator
    from adept.store.database import open_store
    from adept.web.signals import told_to_stop

    with (
        told_to_stop("SIGHUP") as stop,  # the terminal's end is the demonstration's, too
        TemporaryDirectory(prefix="adept-demo-", ignore_cleanup_errors=True) as name,
        serve(Simulator(devices=devices)) as apple,
    ):
        print("A simulated Apple runs on this machine:")
        print(f"  service {apple.url}, portal {apple.control_url}")
        directory = Path(name)
        url = f"sqlite:///{(directory / 'adept.sqlite3').as_posix()}"
        async with open_store(url, secret_keys=None, data_dir=directory, migrate=True) as store:
            story = Story(store, apple.url, Portal(apple.control_url), devices)
            await _unless_told_to(stop, story.play())
            print("\ndemo: ok", flush=True)
            if once:
                return
            password = await make_ready(store)
        await keep_running(stop, directory, apple, password)


async def _unless_told_to(stop: asyncio.Event, work: Coroutine[object, object, None]) -> None:
    """Run to the end; told to stop before that, let the work put things in order and raise KeyboardInterrupt."""
    told, doing = asyncio.create_task(stop.wait()), asyncio.create_task(work)
    await asyncio.wait([told, doing], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not doing.done():
        doing.cancel()
        await asyncio.wait([doing])
        raise KeyboardInterrupt
    doing.result()
