"""`adept doctor`: whether everything around adept is all right, and what to do where it isn't."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from cyclopts import App

from adept.cli.event_loop import run_async
from adept.cli.failures import DONE, NEEDS_PERSON
from adept.cli.output import FOR_PEOPLE, Output, print_items
from adept.cli.storage import utc_now
from adept.cli.table import print_table

if TYPE_CHECKING:
    from adept.doctor.examination import Patient
    from adept.doctor.findings import Finding
    from adept.settings import Settings

app = App(name="doctor", help_epilogue="Example: adept doctor")


@app.default
def doctor(*, output: Output = FOR_PEOPLE) -> int:
    """Look at the clock, DNS, TLS, proxy, tokens, terms, cursors, leases, jobs, schema, sealing key and disk.

    Each line is ok or says what to do; the exit code is 8 where something is to be done. Nothing is changed, and Apple
    is sent one request without credentials. Run it where the service runs, with its settings.
    """
    from adept.doctor.examination import examine
    from adept.doctor.findings import is_well
    from adept.settings import load_settings

    findings = run_async(examine(patient(load_settings()), now=utc_now))
    if output.json:
        print_items(asdict(finding) for finding in findings)
    else:
        print_table(("", "CHECK", "ACCOUNT", ""), [_row(finding) for finding in findings], empty="")
    return DONE if is_well(findings) else NEEDS_PERSON


def patient(settings: Settings) -> Patient:
    """What is examined, by the settings."""
    from adept.client.setup import APPLE_URL
    from adept.doctor.examination import Patient

    return Patient(
        database_url=settings.where_to_store(),
        database_file=settings.database_file(),
        keys=settings.sealing_keys,
        data_dir=settings.data_dir,
        apple_url=settings.url or APPLE_URL,
    )


def _row(finding: Finding) -> tuple[str, str, str, str]:
    told = f"{finding.told}; {finding.way_out}" if finding.way_out else finding.told
    return finding.state.value, finding.check, finding.account or "", told
