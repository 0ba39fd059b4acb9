"""`adept demo`: adept's main job from end to end, against a simulated Apple on this machine, in a store of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import App, Parameter

from adept.cli.event_loop import run_async
from adept.cli.output import ErrorsAsJson
from adept.errors import Misuse

app = App(name="demo", help_epilogue="Example: adept demo --once --devices 500")


@app.default
def demo(
    *,
    once: Annotated[  # noqa: ARG001  # there is nothing yet that would go on
        bool, Parameter(help="End after the demonstration; for now it always does.")
    ] = False,
    devices: Annotated[int, Parameter(help="How many devices the organisation has; default: 2000.")] = 2000,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the story is for people
) -> None:
    """Show adept's main job from end to end: token exchange, first fetch, changes at Apple, sync, proof.

    Apple is simulated on free ports of this machine; the store is a temporary one. Nothing else is touched.
    """
    from adept.cli.demo_story import FEWEST_DEVICES

    if devices < FEWEST_DEVICES:
        raise Misuse(f"the demonstration needs at least {FEWEST_DEVICES} devices, not {devices}")
    with TemporaryDirectory(prefix="adept-demo-", ignore_cleanup_errors=True) as directory:
        run_async(_demonstrate(Path(directory), devices))
    print("\ndemo: ok")


async def _demonstrate(directory: Path, devices: int) -> None:
    from adept.cli.demo_portal import Portal
    from adept.cli.demo_story import Story
    from adept.simulator.running import serve
    from adept.simulator.simulator import Simulator
    from adept.store.database import open_store

    with serve(Simulator(devices=0)) as apple:
        print("A simulated Apple runs on this machine:")
        print(f"  service {apple.url}, portal {apple.control_url}")
        url = f"sqlite:///{(directory / 'adept.sqlite3').as_posix()}"
        async with open_store(url, secret_keys=None, data_dir=directory, migrate=True) as store:
            await Story(store, apple.url, Portal(apple.control_url), devices).play()
