"""One run: the site, the storm, the calm after it, the verdict."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from adept.simulator.fault_words import WORDS
from tests.acceptance.faults.acts import OURS, Act
from tests.acceptance.faults.people import Follower, Renewals, at_a_desk, keep_asking
from tests.acceptance.faults.site import Site, site
from tests.acceptance.faults.storm import Storm
from tests.acceptance.faults.verdict import SETTLED_WITHIN_S, judge

OWN_FAULTS = ("Traceback (most recent call last)", "fault of adept")


@dataclass
class Outcome:
    """What a run came to: faults that began and answers that were spoilt, by kind; what is wrong."""

    seed: int
    faults: Counter[str]
    struck: Counter[str]
    wrong: list[str]
    healed: list[str] = field(default_factory=list)
    settled_s: float = 0.0
    changes: int = 0
    answers: Counter[int] = field(default_factory=Counter)

    def report(self) -> str:
        """For people."""
        told = [f"{count:6} {kind}" for kind, count in sorted((self.faults + self.struck).items())]
        told += [f"by a person: {one}" for one in self.healed]
        told += [f"WRONG: {one}" for one in self.wrong] or ["nothing lost, nothing twice, nothing left behind"]
        return "\n".join(
            [f"seed {self.seed}: {self.changes} changes followed, settled within {self.settled_s:.0f} s", *told]
        )


async def run(acts: Sequence[Act], *, seed: int, echo: Callable[[str], None]) -> Outcome:
    """Run the acts on a site of their own, and judge what they left."""
    async with site(seed=seed, echo=echo) as made, at_a_desk(made) as desk:
        renewals, follower = Renewals(desk), Follower(desk)
        storm = Storm(made, renewals, echo)
        asking = asyncio.create_task(keep_asking(desk))
        following = asyncio.create_task(follower.keep_following())
        try:
            await storm.rage(acts)
            echo("calm")
            await storm.calm()
            asking.cancel()
            late = await storm.finish(within_s=SETTLED_WITHIN_S)
            verdict = await judge(made, desk, renewals, follower)
        finally:
            for task in (asking, following):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        faults, struck = await _counted(storm, made)
        wrong = [*late, *verdict.wrong, *_own_faults(made)]
        if wrong:
            for name in OURS:
                echo(f"--- the end of {name}'s log\n{made.machines[name].log_file.read_text()[-3000:]}")
    return Outcome(
        seed, faults, struck, wrong, verdict.healed, verdict.settled_s, len(follower.seen), Counter(desk.answers)
    )


async def _counted(storm: Storm, made: Site) -> tuple[Counter[str], Counter[str]]:
    """Faults that began; and, of those that were ordered at the simulator, how often they struck."""
    ordered = {kind for kind in storm.faults if kind.removeprefix("answer ") in WORDS}
    struck = Counter(f"answer {entry['fault']}" for entry in await made.requests() if entry["fault"])
    return Counter({kind: count for kind, count in storm.faults.items() if kind not in ordered}), struck


def _own_faults(made: Site) -> list[str]:
    """Lines of our processes' logs that speak of a bug."""
    found = []
    for name in OURS:
        lines = made.machines[name].log_file.read_text(errors="replace").splitlines()
        bad = [line for line in lines if any(word in line for word in OWN_FAULTS)]
        found += [f"{name} logged a fault of its own: {line[:300]} … {line[-1500:]}" for line in bad]
    return found[:10]
