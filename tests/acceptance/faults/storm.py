"""Carries out the acts of a schedule, each at its time, and counts the faults."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.acceptance.faults.acts import ACCOUNTS, Act
from tests.acceptance.faults.people import Renewals
from tests.acceptance.faults.site import ASSIGNED, SECOND_ORGANISATION, Site


@dataclass
class Storm:
    """One run's acts as they happen. `faults` counts those that began, by kind."""

    site: Site
    renewals: Renewals
    echo: Callable[[str], None]
    faults: Counter[str] = field(default_factory=Counter)
    _asleep: list[int] = field(default_factory=list)  # PostgreSQL's processes, as file descriptors
    _aside: set[asyncio.Task[None]] = field(default_factory=set)  # what goes on while the next acts come

    async def rage(self, acts: Sequence[Act]) -> None:
        """Carry them all out."""
        began_s = time.monotonic()
        for act in acts:
            await asyncio.sleep(max(0.0, began_s + act.at_s - time.monotonic()))
            self.echo(str(act))
            if act.fault:
                self.faults[act.fault] += 1
            await self.carry_out(act)

    async def calm(self) -> None:
        """Everything runs again and nothing breaks any more; what is under way aside goes on."""
        site = self.site
        site.disk.empty()
        self._wake_postgresql()
        for machine in site.machines.values():
            machine.go_on()
            machine.start()
        for clock in site.clocks.values():
            clock.set(0)
        await site.apple("DELETE", "/faults")
        for account in ("hq", "school"):
            await self.carry_out(Act(0, "sign terms", account))

    async def finish(self, *, within_s: float) -> list[str]:
        """Wait for what was begun aside; what did not end in time."""
        if not self._aside:
            return []
        _, late = await asyncio.wait(self._aside, timeout=within_s)
        for task in late:
            task.cancel()
        return [f"{task.get_name()} did not end within {within_s:g} s" for task in late]

    async def carry_out(self, act: Act) -> None:
        """One act."""
        site, machines = self.site, self.site.machines
        match act.kind:
            case "kill":
                machines[act.what].kill()
            case "crash":
                await site.crash_apple()
            case "start":
                machines[act.what].start()
            case "end":
                machines[act.what].end(signal.SIGQUIT if act.what == "postgresql" else signal.SIGTERM)
            case "stop":
                machines[act.what].stop()
            case "continue":
                machines[act.what].go_on()
            case "nap":
                task = asyncio.create_task(self._nap(act.what, act.number), name=f"the nap of {act.what}")
                self._begin_aside(task)
            case "stop all of" | "continue all of":
                (self._stop_postgresql if act.kind == "stop all of" else self._wake_postgresql)()
            case "terminate backends":
                await self._terminate_backends(act.number)
            case "fill disk":
                site.disk.fill()
            case "empty disk":
                site.disk.empty()
            case "break line":
                machines["proxy"].tell(f"reset {act.how} {act.number}")
            case "slow line":
                machines["proxy"].tell(f"slow {act.number} 2")
            case "order":
                order = {"endpoint": act.what, "response": act.how, "count": act.number, "seconds": 1}
                await site.apple("POST", "/faults", json=order)
            case "end sessions":
                await site.apple("DELETE", "/sessions")
            case "advance":
                await site.apple("POST", "/clock", json={"advance_s": act.number})
            case "set clock":
                site.clocks[act.what].set(act.number)
            case "change terms" | "sign terms":
                owner = {"organization": SECOND_ORGANISATION} if act.what == "school" else {}
                await site.apple("POST", "/terms", json={"signed": act.kind == "sign terms", **owner})
            case "renew token":
                task = asyncio.create_task(self.renewals.renew(act.what), name=f"renewing the token of {act.what}")
                self._begin_aside(task)
            case "lock feed":
                task = asyncio.create_task(self._lock_feed(act.number), name="holding up the feed")
                self._begin_aside(task)
            case _:
                assert act.what in ACCOUNTS, act
                await self._at_apple(act, random.Random(act.number))

    def _begin_aside(self, task: asyncio.Task[None]) -> None:
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _nap(self, name: str, seconds: int) -> None:
        machine = self.site.machines[name]
        machine.stop()
        await asyncio.sleep(seconds)
        machine.go_on()

    async def _at_apple(self, act: Act, dice: random.Random) -> None:
        """Something happens to a few devices of the account's server."""
        site, server = self.site, self.site.server(act.what)
        if act.kind in ("buy", "assign"):
            at_once: dict[str, str | None] = {"server": server if act.kind == "buy" else None}
            if act.what == "school" and act.kind == "assign":
                at_once["organization"] = SECOND_ORGANISATION
            fields = dice.choice(({}, ASSIGNED))
            bought: dict[str, object] = {"count": dice.randint(1, 4), "fields": fields, **at_once}
            serials = (await site.apple("POST", "/devices", json=bought))["serials"]
            if act.kind == "assign":
                await site.apple("POST", "/devices/assign", json={"serials": serials, "server": server})
            return
        roster = sorted(await site.truth(act.what))
        serials = dice.sample(roster, min(len(roster), dice.randint(1, 4)))
        if not serials:
            return
        body: dict[str, object] = {"serials": serials}
        if act.kind == "amend":
            body["fields"] = {"asset_tag": f"desk {act.number}"}
        if act.kind == "move":
            body["server"] = site.server(act.how)
        paths = {"switch on": "switch-on", "move": "assign"}
        await site.apple("POST", f"/devices/{paths.get(act.kind, act.kind)}", json=body)

    def _stop_postgresql(self) -> None:
        """All that PostgreSQL consists of falls asleep, as on a machine that is moved."""
        process = self.site.machines["postgresql"].process
        if process is None:
            return
        with suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            self._asleep += [os.pidfd_open(pid) for pid in [*map(int, children), process.pid]]
        for one in self._asleep:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(one, signal.SIGSTOP)

    def _wake_postgresql(self) -> None:
        for one in self._asleep:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(one, signal.SIGCONT)
            os.close(one)
        self._asleep.clear()

    async def _terminate_backends(self, percent: int) -> None:
        with suppress(psycopg.Error):
            connection = await self.site.database()
            if connection is None:
                return
            async with connection:
                told = (
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND mod(pid, 100) < %s"
                )
                await connection.execute(told, (percent,))

    async def _lock_feed(self, seconds: int) -> None:
        """Hold the row that numbers of the feed are drawn from: commits queue up, and come all at once."""
        with suppress(psycopg.Error):
            connection = await self.site.database()
            if connection is None:
                return
            async with connection:
                await connection.set_autocommit(False)
                await connection.execute("SELECT * FROM feed_position FOR UPDATE")
                await asyncio.sleep(seconds)
                await connection.rollback()
