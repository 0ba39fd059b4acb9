"""`adept support-bundle`: what a maintainer needs, in one file, with nothing secret or personal in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document
from adept.cli.storage import utc_now
from adept.errors import Misuse

app = App(name="support-bundle", help_epilogue="Example: adept support-bundle -o adept-support.zip --log adept.log")


@app.default
def support_bundle(
    *,
    output_file: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="Where to; default: adept-support-TIME.zip.")
    ] = None,
    log: Annotated[Path | None, Parameter(help="A log of the service (JSON lines), for its shape.")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Pack versions, settings, counts, health, passes and the doctor's findings for a maintainer.

    No secret, serial number, name, address or URL is in it; accounts are called account-1 and so on. Of a log only
    what adept's own words say is taken. Look through it before you send it.
    """
    from adept.cli.doctor import patient
    from adept.doctor.bundle import documents, pack
    from adept.doctor.gathering import gather
    from adept.settings import load_settings

    settings = load_settings()
    lines = None if log is None else _lines(log)
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    material = run_async(gather(patient(settings), settings=values, log=lines, now=utc_now))
    path = output_file or Path(f"adept-support-{material.made_at:%Y%m%d-%H%M%S}.zip")
    files.write_secret(path, pack(material), force=False)
    names = sorted(documents(material))
    if output.json:
        print_document({"file": str(path), "documents": names})
    else:
        print(f"Wrote {path} with {', '.join(names)}. Look through it before you send it.")


def _lines(log: Path) -> list[str]:
    try:
        return log.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise Misuse(f"can't read the log {log}: {error.strerror}") from error
