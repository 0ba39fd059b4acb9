"""The clients: a whole fleet, 1000 devices a page, beside the floor and beside what the field does."""

from __future__ import annotations

from benchmarks.apple import Apple, cpu_s
from benchmarks.measuring import (
    Contender,
    cpu_per_thousand,
    cpu_rate,
    megabytes,
    per_second,
    rate,
    run_once,
    run_rounds,
    table,
    verdict,
)

NAMES = {
    "bytes": "the bytes, thrown away (http.client)",
    "requests": "requests + requests_oauthlib + json",
    "sync": "adept.Client",
    "async": "adept.AsyncClient",
}


def client_section(apple: Apple, *, rounds: int) -> str:
    """Measure and tell."""
    contenders = [
        Contender(name, ("benchmarks.walks", key, apple.url, str(apple.token_file), "1000"))
        for key, name in NAMES.items()
    ]
    run_once(contenders[0])  # the simulator's own first time
    runs = run_rounds(contenders, rounds)
    rows = [(name, per_second(found), cpu_per_thousand(found), megabytes(found)) for name, found in runs.items()]
    field, ours = runs[NAMES["requests"]], runs[NAMES["sync"]]
    faster, cheaper = rate(ours) / rate(field), cpu_rate(ours) / cpu_rate(field)
    before = cpu_s(apple.pid)
    found = run_once(contenders[2])
    served = (cpu_s(apple.pid) - before) / found.cpu_s
    return "\n\n".join(
        [
            f"## Clients\n\n{found.count:,} devices, 1000 a page, from the simulator beside; {rounds} rounds.",
            table(("client", "devices/s", "CPU ms per 1000 devices", "peak MB"), rows),
            "\n".join(
                [
                    verdict(
                        "`Client` at least 1.5 times the devices/s of the field's way",
                        f"{faster:.2f} times",
                        met=faster >= 1.5,
                    ),
                    verdict("at no more than 0.7 of its CPU", f"{cheaper:.2f} of it", met=cheaper <= 0.7),
                    verdict(
                        "the simulator spends at most a third of the client's CPU on a page",
                        f"{served:.2f} of it",
                        met=served <= 1 / 3,
                    ),
                ]
            ),
        ]
    )
