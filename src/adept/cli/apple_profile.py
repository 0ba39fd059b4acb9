"""`adept apple profile`: enrollment profiles at Apple."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.apple_batches import Report, print_failures, raise_if_any_failed, send_in_batches
from adept.cli.apple_connection import DEFAULTS, AppleOptions, ask, talking
from adept.cli.output import print_fields, warn
from adept.cli.serials import NO_FILE, SerialNumbers, SerialsFile, fold, gather

if TYPE_CHECKING:
    from adept.protocol.profile import Profile
    from adept.protocol.results import DefineResult

app = App(
    name="profile",
    help="Define, read, assign and remove enrollment profiles.",
    help_epilogue="Example: adept apple profile assign 9145EDB932A42C48A9DD56AD69213C64 C02XK1ZZJHD5",
)

Uuid = Annotated[str, Parameter(help="The profile's UUID, as Apple gave it.")]


@app.command(help_epilogue="Example: adept apple profile define profile.json")
def define(
    file: Annotated[Path, Parameter(help="The profile as JSON, with Apple's keys; - is standard input.",
                                    allow_leading_hyphen=True)],
    /,
    *,
    apple: AppleOptions = DEFAULTS,
) -> None:  # fmt: skip
    """Store a profile at Apple, which gives it a UUID. Every call makes a new profile, also from the same file.

    What Apple is known to refuse, and what will not do what it says, is warned of before it is sent.
    """
    from adept.client import endpoints

    profile = _read_profile(file)
    result = ask(apple, endpoints.define_profile(profile), _show_defined)
    asked = tuple(profile.devices) if profile.devices else ()
    about = f"profile {result.profile_uuid} was defined, but not assigned to all of its devices"
    raise_if_any_failed(result.statuses, fold(asked), about=about)


@app.command(help_epilogue="Example: adept apple profile show 9145EDB932A42C48A9DD56AD69213C64 --json")
def show(uuid: Uuid, /, *, apple: AppleOptions = DEFAULTS) -> None:
    """Show a profile that was defined earlier."""
    from adept.client import endpoints
    from adept.protocol.profile import profile_values

    ask(apple, endpoints.profile(uuid), lambda profile: print_fields(profile_values(profile)))


@app.command(
    help_epilogue="Example: adept apple profile assign 9145EDB932A42C48A9DD56AD69213C64 --serials-file new.txt"
)
def assign(
    uuid: Uuid, /, *serials: SerialNumbers, source: SerialsFile = NO_FILE, apple: AppleOptions = DEFAULTS
) -> None:
    """Say which profile devices get when they are next set up. Prints each device that Apple did not take; exits 3."""
    from adept.client import endpoints
    from adept.client.batches import join_assigned

    wanted = gather(serials, source)
    with talking(apple) as client:
        sent = send_in_batches(client, wanted, partial(endpoints.assign_profile, uuid))
    result = join_assigned(sent.answers) if sent.answers else None
    report = Report(f"assigning profile {uuid}", retry_after_s=result.retry_after_s if result else None)
    report.tell(sent, result.statuses if result else {}, as_json=apple.json)


@app.command(help_epilogue="Example: adept apple profile remove C02XK1ZZJHD5 F9FX10AAAA01")
def remove(*serials: SerialNumbers, source: SerialsFile = NO_FILE, apple: AppleOptions = DEFAULTS) -> None:
    """Take devices' profile away from them. Prints each device that Apple did not take; exits 3.

    A device that has picked its profile up keeps it until it is erased. The profile goes on to exist.
    """
    from adept.client import endpoints
    from adept.client.batches import join_results

    wanted = gather(serials, source)
    with talking(apple) as client:
        sent = send_in_batches(client, wanted, endpoints.remove_profile)
    statuses = join_results(sent.answers).statuses if sent.answers else {}
    Report("removing the profile").tell(sent, statuses, as_json=apple.json)


def _show_defined(result: DefineResult) -> None:
    print_fields({"profile_uuid": result.profile_uuid})
    print_failures(result.statuses, tuple(result.statuses))


def _read_profile(file: Path) -> Profile:
    from adept.protocol.profile import read_profile
    from adept.protocol.profile_checks import Level, check_profile

    profile = read_profile(files.read_file(file, "profile"))
    for finding in check_profile(profile):
        if finding.level is not Level.NOTE:
            warn(f"{finding.level}: {finding.message} ({finding.code})")
    return profile
