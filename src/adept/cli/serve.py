"""`adept serve`: the service on this machine, until it is told to stop.

Its options are the settings that are declared as such, with the same words; the values are checked with the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, field, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.event_loop import run_async
from adept.cli.output import ErrorsAsJson, warn
from adept.settings import SERVE, Settings, load_settings

# What the help calls an option's value; a flag has none.
_WORDS: dict[Any, str | None] = {bool: None, int: "INT", int | None: "INT", Path: "PATH", Path | None: "PATH"}

app = App(name="serve", help_epilogue="Example: adept serve --port 8440 --log-format text")


def _options() -> type:
    """A class with a field for each setting that is an option; absent is None."""
    fields: list[tuple[str, Any, Any]] = []
    for name, declared in Settings.model_fields.items():
        if SERVE in declared.metadata:
            word = _WORDS.get(declared.annotation, "STR")
            kind: Any = bool if word is None else str  # the settings read the value, and say what is allowed
            parameter = Parameter(help=declared.description, metavar=word)
            fields.append((name, Annotated[kind | None, parameter], field(default=None)))
    made = make_dataclass("ServeOptions", fields, frozen=True, kw_only=True)
    made.__module__ = __name__  # as it is made, it would pass for one of Python's own, and those have no options
    return Parameter(name="*")(made)


if TYPE_CHECKING:
    Options = Any
else:
    Options = _options()
NONE_GIVEN = Options()


@app.default
def serve(
    *,
    options: Options = NONE_GIVEN,
    no_worker: Annotated[bool, Parameter(help="Serve only; other processes look after the accounts.")] = False,
    ready_file: Annotated[Path | None, Parameter(help="Write the ready line to this file, too.")] = None,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the ready line has a form of its own
) -> None:
    """Run the service: the API, and accounts that are synced in the background, until Ctrl-C or SIGTERM.

    Prints `ready url=URL` once it answers. Logs go to standard error. Where there are no users yet, a link to make the
    first administrator is printed there, too. Every option is also a setting: see the reference.
    """
    from adept.web.logs import configure_logs
    from adept.web.server import serve as run_service

    settings = load_settings(_given(options))
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


def _given(options: Any) -> Mapping[str, object]:
    """The options that were given, by the names of their settings."""
    return {name: said for name, said in asdict(options).items() if said is not None}
