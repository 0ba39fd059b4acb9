"""The service under load: a hundred clients that list, search and read while passes run.

`python -m benchmarks.load URL KEY_FILE SECONDS EVERY_S` is the clients' process: each of a hundred asks every EVERY_S
seconds (0: as fast as it is answered), and a Run is printed whose `extra` holds milliseconds at p50, p95 and p99, and
the errors.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.apple import Apple, apple
from benchmarks.measuring import Contender, Run, Watch, report, run_once, table
from benchmarks.passes import KEY
from benchmarks.store import ENGINES, Databases

CLIENTS = 100
PASS_DEVICES = 5_000
API = "/api/v1"
TIMEOUT_S = 30


async def main(url: str, key: str, seconds: float, every_s: float) -> None:
    """A hundred clients for so long."""
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx2.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx2.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=TIMEOUT_S) as http:
        known = (await http.get(f"{API}/devices", params={"limit": 1000})).json()["items"]
        took: list[float] = []
        errors: list[str] = []
        with Watch() as watch:
            end = time.perf_counter() + seconds
            crowd = [
                _client(http, random.Random(number), known, end, every_s, took, errors) for number in range(CLIENTS)
            ]
            await asyncio.gather(*crowd)
    took.sort()
    told = {f"p{share}": 1000 * took[min(len(took) - 1, len(took) * share // 100)] for share in (50, 95, 99)}
    report(watch.run(len(took), told | {"errors": len(errors)}))


async def _client(
    http: httpx2.AsyncClient,
    dice: random.Random,
    known: list[dict[str, Any]],
    end: float,
    every_s: float,
    took: list[float],
    errors: list[str],
) -> None:
    await asyncio.sleep(dice.uniform(0, every_s))
    while (started := time.perf_counter()) < end:
        path, params = _question(dice, dice.choice(known))
        try:
            answer = await http.get(path, params=params)
            if answer.status_code != 200:
                errors.append(f"{answer.status_code} {path}")
        except httpx2.HTTPError as error:
            errors.append(f"{type(error).__name__} {path}")
        ended = time.perf_counter()
        took.append(ended - started)
        await asyncio.sleep(max(0.0, every_s - (ended - started)))


def _question(dice: random.Random, device: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    serial = device["serial_number"]
    listing = f"{API}/devices"
    return dice.choice(
        (
            (listing, {"limit": 100}),
            (listing, {"sort": "changed_at", "order": "desc", "limit": 50}),
            (listing, {"family": "Mac", "limit": 50}),
            (listing, {"search": serial, "mode": "exact"}),
            (listing, {"search": serial[:5], "mode": "prefix", "limit": 50}),
            (listing, {"search": serial[3:8], "field": "serial_number", "limit": 50}),
            (f"{listing}/{device['account']}/{serial}", {}),
            (f"{listing}/{device['account']}/{serial}", {}),
        )
    )


def load_section(databases: Databases, *, devices: int, seconds: int) -> str:
    """The service's answers on either engine, at a pace and flat out."""
    rows = []
    for engine, label in ENGINES.items():
        url = databases.new(engine)
        subprocess.run([sys.executable, "-m", "benchmarks.fleets", url, str(devices), "20"], check=True)
        with apple(PASS_DEVICES) as other_end, _serving(url, other_end) as (service, key_file):
            for pace, every_s in (("each asks once a second", 1.0), ("each asks again at once", 0.0)):
                words = ("benchmarks.load", service, str(key_file), str(seconds), str(every_s))
                rows.append(_row(label, pace, run_once(Contender(f"load on {label}, {pace}", words))))
            passes = _passes(service, key_file)
        rows[-1] += (f"{passes}",)
        rows[-2] += ("",)
    head = ("engine, pace", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors", "passes meanwhile")
    return (
        f"## The service under load\n\n{CLIENTS} clients on connections of their own list, search and read {devices:,} "
        f"devices for {seconds} s, while an account of {PASS_DEVICES:,} is fetched whole again and again. Clients, "
        "service, database and simulated Apple share the machine's cores.\n\n" + table(head, rows)
    )


def _row(label: str, pace: str, run: Run) -> tuple[str, ...]:
    told = run.extra
    shown = [f"{told[name]:.0f}" for name in ("p50", "p95", "p99")]
    return (f"{label}, {pace}", f"{run.count / run.seconds:.0f}", *shown, f"{told['errors']:.0f}")


@contextmanager
def _serving(database_url: str, other_end: Apple) -> Iterator[tuple[str, Path]]:
    """The service with an account that is walked without a pause; its URL, and a file with an API key."""
    with tempfile.TemporaryDirectory() as folder:
        ready, key_file = Path(folder, "ready"), Path(folder, "key")
        environment = os.environ | {
            "ADEPT_DATABASE_URL": database_url,
            "ADEPT_SECRET_KEYS": KEY,
            "ADEPT_DATA_DIR": folder,
            "ADEPT_URL": other_end.url,
            "ADEPT_ALLOW_PRIVATE_ADDRESSES": "true",
        }
        adept = [sys.executable, "-m", "adept.cli.main"]
        key = subprocess.run(
            [*adept, "keys", "create", "bench", "--role", "admin"], env=environment, check=True, capture_output=True
        )
        key_file.write_bytes(key.stdout)
        added = [*adept, "accounts", "add", "walked", "--token", str(other_end.token_file)]
        subprocess.run(added, env=environment, check=True, capture_output=True)
        command = [*adept, "serve", "--port", "0", "--ready-file", str(ready), "--log-level", "error"]
        serving = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            while not ready.exists() or "url=" not in ready.read_text():
                if serving.poll() is not None:
                    raise SystemExit("the service ended before it was ready")
                time.sleep(0.05)
            url = ready.read_text().strip().removeprefix("ready url=")
            walker = subprocess.Popen([sys.executable, "-m", "benchmarks.asking", url, str(key_file)])
            try:
                yield url, key_file
            finally:
                walker.terminate()
                walker.wait(30)
        finally:
            serving.terminate()
            serving.wait(30)


def _passes(url: str, key_file: Path) -> int:
    headers = {"Authorization": f"Bearer {key_file.read_text().strip()}"}
    answer = httpx2.get(f"{url}{API}/accounts/walked/passes", params={"limit": 1000}, headers=headers)
    return sum(one["state"] == "done" for one in answer.json()["items"])


if __name__ == "__main__":
    address, secret_file, span, pause = sys.argv[1:]
    asyncio.run(main(address, Path(secret_file).read_text().strip(), float(span), float(pause)))
