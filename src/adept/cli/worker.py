"""`adept worker`: looks after accounts beside any number of others, on PostgreSQL, until it is told to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.event_loop import run_async
from adept.cli.output import ErrorsAsJson
from adept.cli.setting_options import given, options_of
from adept.settings import WORKER, load_settings

app = App(name="worker", help_epilogue="Example: adept worker --concurrency 16")

if TYPE_CHECKING:
    Options = Any
else:
    Options = options_of(WORKER, module=__name__)
NONE_GIVEN = Options()


@app.default
def worker(
    *,
    options: Options = NONE_GIVEN,
    ready_file: Annotated[Path | None, Parameter(help="Write the ready line to this file, too.")] = None,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the ready line has a form of its own
) -> None:
    """Look after accounts, beside any number of workers and services, until Ctrl-C or SIGTERM. PostgreSQL only.

    Prints `ready worker=NAME` once it works. Logs go to standard error. Every option is also a setting.
    """
    from adept.web.logs import configure_logs
    from adept.web.server import work

    settings = load_settings(given(options))
    configure_logs(settings.log_level, settings.log_format, sys.stderr)

    def tell_ready(name: str, metrics_url: str | None) -> None:
        line = f"ready worker={name}" + (f" metrics={metrics_url}" if metrics_url else "")
        if ready_file is not None:
            with files.replacing(ready_file) as out:
                out.write(f"{line}\n".encode())
        print(line, flush=True)

    run_async(work(settings, on_ready=tell_ready))
