"""`adept serve`: the service on this machine, until it is told to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.event_loop import run_async
from adept.cli.output import ErrorsAsJson, warn
from adept.cli.setting_options import given, options_of
from adept.settings import SERVE, load_settings

app = App(name="serve", help_epilogue="Example: adept serve --port 8440 --log-format text")

if TYPE_CHECKING:
    Options = Any
else:
    Options = options_of(SERVE, module=__name__)
NONE_GIVEN = Options()


@app.default
def serve(
    *,
    options: Options = NONE_GIVEN,
    no_worker: Annotated[bool, Parameter(help="Serve only; workers look after the accounts.")] = False,
    ready_file: Annotated[Path | None, Parameter(help="Write the ready line to this file, too.")] = None,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the ready line has a form of its own
) -> None:
    """Run the service: the API, and accounts that are synced in the background, until Ctrl-C or SIGTERM.

    Prints `ready url=URL` once it answers. Logs go to standard error. Where there are no users yet, a link to make the
    first administrator is printed there, too. Every option is also a setting: see the reference.
    """
    from adept.web.logs import configure_logs
    from adept.web.server import serve as run_service

    settings = load_settings(given(options))
    configure_logs(settings.log_level, settings.log_format, sys.stderr)

    def tell_ready(url: str, metrics_url: str | None) -> None:
        line = f"ready url={url}" + (f" metrics={metrics_url}" if metrics_url else "")
        if ready_file is not None:
            with files.replacing(ready_file) as out:
                out.write(f"{line}\n".encode())
        print(line, flush=True)

    def tell_set_up(link: str) -> None:
        warn(f"there are no users yet; make the first administrator within 30 minutes at {link}")

    run_async(run_service(settings, worker=not no_worker, on_ready=tell_ready, on_set_up=tell_set_up))
