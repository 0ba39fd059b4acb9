"""The schedule of a run: which fault strikes when and what, and what happens at "Apple" meanwhile. Pure.

It follows from the seed and the seconds alone. Whatever begins also ends within the run: who is killed is started, what
is full is emptied, terms are signed. What an act comes to depends on where the processes stand just then, which no seed
decides; but the acts and their order are the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from adept.simulator.fault_words import WORDS

DAY_S = 86_400
YEAR_S = 365 * DAY_S

WORKERS = ("worker-1", "worker-2", "worker-3")
SERVICES = ("service-1", "service-2")
OURS = (*WORKERS, *SERVICES)
ROADS = ("proxy",)  # Apple's front door
ACCOUNTS = ("hq", "lab", "shop", "school")
ORGANISATIONS = {"hq": 1, "lab": 1, "shop": 1, "school": 2}  # devices move within one

ENDPOINTS = ("get_session", "get_account", "post_server_devices", "post_devices_sync", "post_devices")
REFUSALS = tuple(word.name for word in WORDS.values() if word.status is not None)  # appendix A of the protocol
LINE_WORDS = ("half_body", "slow_body", "bad_gateway_html", "success_html", "success_empty", "success_wrong_shape")
CIRCLES = ("page_never_ends", "empty_page", "without_cursor", "cursor_stays", "duplicates")
SHORT_FETCHES = ("truncated_fetch", "empty_fetch")
SESSIONS = ("expire_session", "new_session_token")

_PAGES = ("post_server_devices", "post_devices_sync")


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """One act. `fault` names the kind of fault that it begins; "" for what ends one, and for what Apple's side does."""

    at_s: float
    kind: str
    what: str = ""  # a process, an account, an endpoint
    how: str = ""  # a word, another account
    number: int = 0  # a count, or seconds, or the seed of a choice
    fault: str = ""

    def __str__(self) -> str:
        words = (self.kind, self.what, self.how, str(self.number) if self.number else "")
        return f"{self.at_s:7.2f} " + " ".join(word for word in words if word)


def schedule(seed: int, seconds: float) -> list[Act]:
    """The acts of a run of so many seconds, in order: every kind of fault at least once, then more of them."""
    dice = random.Random(f"faults {seed}")
    acts: list[Act] = []
    kinds = list(FAULTS)
    chosen = kinds + dice.choices(kinds, k=max(0, int(seconds / 2) - len(kinds)))
    for kind in chosen:
        acts += FAULTS[kind](dice, dice.uniform(0.02, 0.85) * seconds)
    acts += _sleeper(dice, seconds)
    acts += _refusals(dice, seconds)
    acts += _at_apple(dice, seconds)
    return sorted(act if act.at_s <= seconds else _moved(act, seconds) for act in acts)


def outage(seed: int, away_s: float) -> list[Act]:
    """The acts of a run in which PostgreSQL is away for so many seconds, and nothing else breaks."""
    gone = Act(5, "end", "postgresql", fault="PostgreSQL away"), Act(5 + away_s, "start", "postgresql")
    return sorted([*gone, *_at_apple(random.Random(f"outage {seed}"), 5 + away_s)])


def _moved(act: Act, at_s: float) -> Act:
    return Act(at_s, act.kind, act.what, act.how, act.number, act.fault)


# What breaks. Each gives an act that begins it and, where it does not end by itself, one that ends it.

Begin = Callable[[random.Random, float], Sequence[Act]]


def _kill(dice: random.Random, at_s: float) -> Sequence[Act]:
    who = dice.choice(OURS)
    return Act(at_s, "kill", who, fault="kill -9"), Act(at_s + dice.uniform(0.5, 4), "start", who)


def _kill_road(dice: random.Random, at_s: float) -> Sequence[Act]:
    who = dice.choice(ROADS)
    return Act(at_s, "kill", who, fault="kill -9 of Apple's door"), Act(at_s + dice.uniform(0.5, 3), "start", who)


def _kill_apple(_dice: random.Random, at_s: float) -> Sequence[Act]:
    return [Act(at_s, "crash", "simulator", fault="kill -9 of Apple")]


def _end(dice: random.Random, at_s: float) -> Sequence[Act]:
    who = dice.choice(OURS)
    return Act(at_s, "end", who, fault="SIGTERM"), Act(at_s + dice.uniform(8, 12), "start", who)


def _stop(dice: random.Random, at_s: float) -> Sequence[Act]:
    who = dice.choice((*OURS, "proxy", "simulator"))
    if who == "simulator":  # what is done at Apple meanwhile waits for it
        return [Act(at_s, "nap", who, number=dice.randint(1, 5), fault="SIGSTOP")]
    return Act(at_s, "stop", who, fault="SIGSTOP"), Act(at_s + dice.uniform(1, 6), "continue", who)


def _restart_postgresql(dice: random.Random, at_s: float) -> Sequence[Act]:
    away_s = dice.uniform(0.2, 5)
    return Act(at_s, "end", "postgresql", fault="PostgreSQL restart"), Act(at_s + away_s, "start", "postgresql")


def _kill_postgresql(dice: random.Random, at_s: float) -> Sequence[Act]:
    back = Act(at_s + dice.uniform(0.2, 3), "start", "postgresql")
    return Act(at_s, "kill", "postgresql", fault="kill -9 of PostgreSQL"), back


def _stop_postgresql(dice: random.Random, at_s: float) -> Sequence[Act]:
    begun = Act(at_s, "stop all of", "postgresql", fault="SIGSTOP of PostgreSQL")
    return begun, Act(at_s + dice.uniform(1, 5), "continue all of", "postgresql")


def _terminate_backends(dice: random.Random, at_s: float) -> Sequence[Act]:
    return [Act(at_s, "terminate backends", number=dice.choice((20, 50, 100)), fault="pg_terminate_backend")]


def _fill_disk(dice: random.Random, at_s: float) -> Sequence[Act]:
    return Act(at_s, "fill disk", fault="full disk"), Act(at_s + dice.uniform(2, 6), "empty disk")


def _break_line(when: str) -> Begin:
    def broken(dice: random.Random, at_s: float) -> Sequence[Act]:
        fault = f"connection reset {when} the answer"
        return [Act(at_s, "break line", how=when, number=dice.randint(1, 4), fault=fault)]

    return broken


def _slow_line(dice: random.Random, at_s: float) -> Sequence[Act]:
    return [Act(at_s, "slow line", number=dice.randint(1, 5), fault="slow answer")]


def _repeat_cursor(dice: random.Random, at_s: float) -> Sequence[Act]:
    word = "repeat_cursor"
    return [Act(at_s, "order", dice.choice(_PAGES), word, dice.randint(1, 3), fault=word)]


def _spoil_page(dice: random.Random, at_s: float) -> Sequence[Act]:
    word, endpoint = dice.choice(CIRCLES), dice.choice(_PAGES)
    endpoint = "post_devices_sync" if word == "cursor_stays" else endpoint
    return [Act(at_s, "order", endpoint, word, dice.randint(1, 3), fault=word)]


def _truncate_fetch(dice: random.Random, at_s: float) -> Sequence[Act]:
    word = dice.choice(SHORT_FETCHES)
    return [Act(at_s, "order", "post_server_devices", word, 1, fault=word)]


def _spoil_answer(dice: random.Random, at_s: float) -> Sequence[Act]:
    word = dice.choice(LINE_WORDS)
    return [Act(at_s, "order", dice.choice(ENDPOINTS), word, dice.randint(1, 2), fault=word)]


def _end_sessions(dice: random.Random, at_s: float) -> Sequence[Act]:
    word = dice.choice((*SESSIONS, ""))
    if not word:
        return [Act(at_s, "end sessions", fault="all sessions ended")]
    return [Act(at_s, "order", dice.choice(_PAGES), word, dice.randint(1, 3), fault=word)]


def _jump_apple(dice: random.Random, at_s: float) -> Sequence[Act]:
    return [Act(at_s, "advance", number=8 * DAY_S, fault="Apple's clock jumps 8 days")]


def _jump_apple_far(dice: random.Random, at_s: float) -> Sequence[Act]:
    later = at_s + dice.uniform(2, 4)
    renewed = [Act(later, "renew token", account) for account in ACCOUNTS]
    return [Act(at_s, "advance", number=YEAR_S, fault="Apple's clock jumps a year"), *renewed]


def _jump_ours(dice: random.Random, at_s: float) -> Sequence[Act]:
    who, days = dice.choice(OURS), dice.choice((8, 365, -2))
    begun = Act(at_s, "set clock", who, number=days * DAY_S, fault="a clock of ours jumps")
    return begun, Act(at_s + dice.uniform(4, 12), "set clock", who)


def _change_terms(dice: random.Random, at_s: float) -> Sequence[Act]:
    account = dice.choice(ACCOUNTS)
    return Act(at_s, "change terms", account, fault="terms changed"), Act(
        at_s + dice.uniform(2, 6), "sign terms", account
    )


def _renew_token(dice: random.Random, at_s: float) -> Sequence[Act]:
    return [Act(at_s, "renew token", dice.choice(ACCOUNTS), fault="token replaced")]


def _lock_feed(dice: random.Random, at_s: float) -> Sequence[Act]:
    return [Act(at_s, "lock feed", number=dice.randint(1, 4), fault="commits held up under the feed's reader")]


FAULTS: dict[str, Begin] = {
    "kill": _kill,
    "kill once more": _kill,
    "kill Apple's door": _kill_road,
    "kill Apple": _kill_apple,
    "end": _end,
    "stop": _stop,
    "restart PostgreSQL": _restart_postgresql,
    "kill PostgreSQL": _kill_postgresql,
    "stop PostgreSQL": _stop_postgresql,
    "terminate backends": _terminate_backends,
    "fill disk": _fill_disk,
    "reset before": _break_line("before"),
    "reset during": _break_line("during"),
    "reset after": _break_line("after"),
    "slow line": _slow_line,
    "repeat cursor": _repeat_cursor,
    "spoil page": _spoil_page,
    "truncate fetch": _truncate_fetch,
    "spoil answer": _spoil_answer,
    "end sessions": _end_sessions,
    "jump at Apple": _jump_apple,
    "jump far at Apple": _jump_apple_far,
    "jump of ours": _jump_ours,
    "terms": _change_terms,
    "token": _renew_token,
    "feed": _lock_feed,
}


def _sleeper(dice: random.Random, seconds: float) -> Iterator[Act]:
    """A worker that sleeps through its lease, and wakes with a head full of what was so before."""
    who, at_s = dice.choice(WORKERS), dice.uniform(0.02, 0.1) * seconds
    if seconds >= 40:
        yield Act(at_s, "stop", who, fault="SIGSTOP past the lease")
        yield Act(at_s + 34, "continue", who)


def _refusals(dice: random.Random, seconds: float) -> Iterator[Act]:
    """Every entry of the error index, once a minute and at least once."""
    for word in REFUSALS * max(1, int(seconds / 60)):
        fitting = [endpoint for endpoint in ENDPOINTS if (WORDS[word].endpoints or {endpoint}) >= {endpoint}]
        yield Act(dice.uniform(0, 0.9) * seconds, "order", dice.choice(fitting), word, 1, fault=f"answer {word}")


# What happens at Apple

_ACTS = ("buy", "buy", "assign", "release", "unassign", "amend", "amend", "switch on", "move", "replace")


def _at_apple(dice: random.Random, seconds: float) -> Iterator[Act]:
    at_s = 0.0
    while (at_s := at_s + dice.expovariate(1.5)) < seconds:
        kind, account = dice.choice(_ACTS), dice.choice(ACCOUNTS)
        target = ""
        if kind == "move":
            there = [other for other in ACCOUNTS if ORGANISATIONS[other] == ORGANISATIONS[account]]
            target = dice.choice(there)  # its own as well: reassigned to the same server
        yield Act(at_s, kind, account, target, dice.randrange(1, 1_000_000))
