"""How `adept apple …` gets to Apple: its options, and the client made of them and of the environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter

from adept.cli.output import Output, print_body, warn
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.client.call import Call
    from adept.client.client import Client

T = TypeVar("T")

WAIT_BUDGET_S = 60  # what a call may wait in all when Apple asks for patience


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AppleOptions(Output):
    """Whom to ask, as whom, and how to print the answer."""

    token: Annotated[Path | None, Parameter(help="The server token's JSON file; default: ADEPT_TOKEN.")] = None
    url: Annotated[str | None, Parameter(help="The service's base URL; default: ADEPT_URL, else Apple's.")] = None
    user_agent: Annotated[str | None, Parameter(help="What to call ourselves; default: adept/VERSION.")] = None
    protocol_version: Annotated[int | None, Parameter(help="X-Server-Protocol-Version; default: 10.")] = None
    record: Annotated[
        Path | None, Parameter(help="Write every exchange to this directory, with secrets, names and serials replaced.")
    ] = None


DEFAULTS = AppleOptions()


@contextmanager
def talking(options: AppleOptions) -> Iterator[Client]:
    """A client of the service the options and the environment name; a wait that Apple asks for is told of."""
    from adept.client.client import Client
    from adept.client.setup import APPLE_URL, DEFAULT_USER_AGENT
    from adept.protocol.server_token import ServerToken
    from adept.protocol.versions import PROTOCOL_VERSION
    from adept.settings import load_settings

    settings = load_settings()
    path = options.token or settings.token
    if path is None:
        raise Misuse("no server token was named", way_out="name its file with --token, or in ADEPT_TOKEN")
    with Client(
        ServerToken.from_file(path),
        base_url=_first(options.url, settings.url, APPLE_URL),
        user_agent=_first(options.user_agent, DEFAULT_USER_AGENT),
        protocol_version=_first(options.protocol_version, PROTOCOL_VERSION),
        wait_budget_s=WAIT_BUDGET_S,
        record=options.record,
        sleep=_wait_visibly,
    ) as client:
        yield client


def _first(*choices: T | None) -> T:
    """The first choice that was made; an empty one counts as made."""
    return next(choice for choice in choices if choice is not None)


def ask(options: AppleOptions, call: Call[T], show: Callable[[T], None]) -> T:
    """Send the call and print the answer: Apple's JSON as it came, or what `show` makes of it. Returns the value."""
    with talking(options) as client:
        body, value = send(client, call)
    if options.json:
        print_body(body)
    else:
        show(value)
    return value


def send(client: Client, call: Call[T]) -> tuple[bytes, T]:
    """Apple's answer as it came, and as a value."""
    from adept.client.call import as_sent

    body = client.send(as_sent(call))
    return body, call.decode(body, endpoint=call.endpoint)


def _wait_visibly(seconds: float) -> None:
    warn(f"Apple asks for patience: waiting {seconds:.0f} s")
    time.sleep(seconds)
