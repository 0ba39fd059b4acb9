"""Long lists of serial numbers: sent in requests of 1000, and told of device by device.

Where a request fails, those before it have taken effect: their answers are printed before the error is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from adept.cli.apple_bodies import join_maps
from adept.cli.apple_connection import send
from adept.cli.output import counted, print_body, warn
from adept.cli.progress import counting
from adept.cli.table import print_table
from adept.errors import AdeptError, Refused

if TYPE_CHECKING:
    from adept.client.call import Call
    from adept.client.client import Client

T = TypeVar("T")

SUCCESS = "SUCCESS"
NO_ANSWER = "no answer"  # our word for a device that Apple's answer leaves out


@dataclass
class Sent(Generic[T]):
    """What came of the requests: Apple's answers as they came and as values, and the error that ended them, if any."""

    bodies: list[bytes] = field(default_factory=list)
    answers: list[T] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # the serial numbers of the requests that were answered
    error: AdeptError | None = None

    def raise_if_cut_short(self) -> None:
        """Raise the error that ended the requests, after saying how many devices had been sent by then."""
        if self.error is None:
            return
        if self.asked:
            warn(f"{len(self.asked):,} devices had been answered for when the next request failed")
        raise self.error


def send_in_batches(client: Client, serials: Sequence[str], question: Callable[[Sequence[str]], Call[T]]) -> Sent[T]:
    """Send one request per 1000 serial numbers, and stop at the first that fails."""
    from adept.client.batches import batches

    sent: Sent[T] = Sent()
    with counting("Sending", unit="devices", total=len(serials)) as reached:
        for batch in batches(tuple(serials)):
            try:
                body, answer = send(client, question(batch))
            except AdeptError as error:
                sent.error = error
                break
            sent.bodies.append(body)
            sent.answers.append(answer)
            sent.asked += batch
            reached(len(sent.asked))
    return sent


def print_failures(statuses: Mapping[str, str], asked: Sequence[str]) -> int:
    """Print each device that is not SUCCESS with Apple's word for it; returns how many there are."""
    failures = failed(statuses, asked)
    if failures:
        print_table(("SERIAL", "ANSWER"), failures.items(), empty="")
    return len(failures)


def failed(statuses: Mapping[str, str], asked: Sequence[str]) -> dict[str, str]:
    """Apple's word for each device that is not SUCCESS; a device that Apple did not answer for has failed too."""
    told = {serial: statuses.get(serial, NO_ANSWER) for serial in asked}
    return {serial: status for serial, status in told.items() if status != SUCCESS}


@dataclass(frozen=True)
class Report:
    """How the outcome of a long list is told; `about` says what was tried, `retry_after_s` is Apple's for throttled."""

    about: str
    retry_after_s: int | None = None

    def tell(self, sent: Sent[Any], statuses: Mapping[str, str], *, as_json: bool) -> None:
        """Print what Apple answered, then raise what ended the requests, or Refused where a device was not done."""
        if sent.bodies and as_json:
            print_body(join_maps(sent.bodies))
        elif sent.bodies:
            failures = print_failures(statuses, sent.asked)
            print(f"{len(sent.asked) - failures:,} of {counted(len(sent.asked), 'device')}: {SUCCESS}")
        sent.raise_if_cut_short()
        raise_if_any_failed(statuses, sent.asked, about=self.about, retry_after_s=self.retry_after_s)


def raise_if_any_failed(
    statuses: Mapping[str, str], asked: Sequence[str], *, about: str, retry_after_s: int | None = None
) -> None:
    """Raise Refused (exit code 3) unless every device is SUCCESS."""
    failures = failed(statuses, asked)
    if not failures:
        return
    words = ", ".join(sorted(set(failures.values())))
    raise Refused(
        f"{about}: {len(failures)} of {len(asked)} devices were not done ({words})",
        code="DEVICES_NOT_DONE",
        status=200,
        endpoint="",
        retry_after_s=retry_after_s,
        way_out=f"repeat throttled devices after {retry_after_s} s" if retry_after_s else None,
    )
