"""`adept simulator`: a simulated Apple on this machine, until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.output import ErrorsAsJson
from adept.errors import Misuse, TokenFileError

if TYPE_CHECKING:
    from adept.protocol.server_token import ServerToken

app = App(name="simulator", help_epilogue="Example: adept simulator --port 8080 --control-port 8081 --devices 2000")

_LOOK_S = 0.5  # on Windows a wait without end can't be interrupted


@app.default
def simulator(
    *,
    port: Annotated[int, Parameter(help="Where the service listens; default: any free port.")] = 0,
    control_port: Annotated[int, Parameter(help="Where the portal and its API listen; default: any free port.")] = 0,
    devices: Annotated[int | None, Parameter(help="How many devices the first server has; default: 0.")] = None,
    seed: Annotated[int, Parameter(help="Decides everything that is drawn; default: 0.")] = 0,
    config: Annotated[Path | None, Parameter(help="A configuration of Apple's depsim: faults and fleet.")] = None,
    token: Annotated[Path | None, Parameter(help="Accept exactly the credentials in this token JSON.")] = None,
    write_token: Annotated[Path | None, Parameter(help="Write the first server's token JSON to this file.")] = None,
    state: Annotated[Path | None, Parameter(help="Keep what is done to it in this file, and go on from there.")] = None,
    ready_file: Annotated[Path | None, Parameter(help="Write the ready line to this file, too.")] = None,
    hostile: Annotated[bool, Parameter(help="Do what Apple rarely does, often: trains clients.")] = False,
    quoted_errors: Annotated[bool, Parameter(help="Send error codes in quotes, as depsim does.")] = False,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the ready line has a form of its own
) -> None:
    """Run a simulated Apple, service and portal, on this machine, until Ctrl-C.

    Prints `ready service=URL control=URL` when both ports listen. Open the control URL in a browser for the portal.
    """
    from adept.protocol.server_token import ServerToken
    from adept.simulator.running import serve
    from adept.simulator.simulator import Simulator

    made = Simulator(
        devices=devices,
        seed=seed,
        config=config,
        token=ServerToken.from_file(token) if token is not None else None,
        hostile=hostile,
        quoted_errors=quoted_errors,
        state=state,
    )
    with (
        closing(made),
        _stop_signals() as stop,
        serve(made, port=port, control_port=control_port) as running,
    ):
        if write_token is not None:
            _write_token(write_token, running.token)
        if ready_file is not None:
            with files.replacing(ready_file) as out:
                out.write(f"{running.ready_line}\n".encode())
        print(running.ready_line, flush=True)
        while not stop.wait(_LOOK_S if sys.platform == "win32" else None):
            pass


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that is set by Ctrl-C, by SIGTERM where there is one, and by Ctrl-Break on Windows."""
    stop = threading.Event()
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_token(path: Path, token: ServerToken) -> None:
    """Write the token for its owner's eyes; overwritten is only an empty file or one with this simulator's token."""
    if path.exists() and path.stat().st_size and not _is_ours(path, token):
        raise Misuse(f"{path} exists already and is not this simulator's token", way_out="name another file")
    files.write_secret(path, token.to_json() + b"\n", force=True)


def _is_ours(path: Path, token: ServerToken) -> bool:
    from adept.protocol.server_token import ServerToken

    try:
        return ServerToken.from_file(path).consumer_key == token.consumer_key
    except TokenFileError:
        return False
