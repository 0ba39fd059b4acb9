"""The processes of a run: started, killed, put to sleep, ended, and started again by a keeper as systemd would."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ENDS_WITHIN_S = 40  # promised are 10, to a process that gets to run
STARTED_AGAIN_S = 0.5


@dataclass
class Machine:
    """One process and its successors. `wanted`: whether it should be running; `broke`: what it did that it must not."""

    name: str
    command: Sequence[str]
    log_file: Path
    environment: dict[str, str] | None = None
    is_told: bool = False  # by lines on its standard input
    may_exit: bool = False  # by itself
    wanted: bool = False
    starts: int = 0
    broke: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    _began: int = 0  # where in the log this process's own lines begin
    _start_at_s: float = 0.0
    _ending_since_s: float | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether this process has printed its ready line."""
        return self.is_alive and b"\nready" in b"\n" + self.log

    @property
    def log(self) -> bytes:
        """What this process has written so far."""
        with self.log_file.open("rb") as log:
            log.seek(self._began)
            return log.read()

    def start(self) -> None:
        """See that it runs from now on."""
        self.wanted = True

    def kill(self) -> None:
        """End it as a power cut would."""
        self.wanted = False
        self._reap()
        self._send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ask it to end, once: a second SIGTERM ends a process at once."""
        self.wanted = False
        self._send(signal.SIGCONT)
        if self.is_alive and self._ending_since_s is None:
            self._send(number)
            self._ending_since_s = time.monotonic()

    def stop(self) -> None:
        """Put it to sleep."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Wake it."""
        self._send(signal.SIGCONT)

    def tell(self, line: str) -> None:
        """Write a line to its standard input; to a dead one in vain."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.write(f"{line}\n".encode())
                self.process.stdin.flush()

    def keep(self) -> None:
        """Look after it: note how it ended, start it anew where it should run and doesn't."""
        now_s = time.monotonic()
        if self._ending_since_s is not None and self.is_alive and now_s - self._ending_since_s > ENDS_WITHIN_S:
            self.broke.append(f"{self.name} did not end within {ENDS_WITHIN_S} s of SIGTERM")
            self._ending_since_s = None
            self._send(signal.SIGKILL)
        self._reap()
        if self.wanted and self.process is None and now_s >= self._start_at_s:
            self._spawn()

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._reap()

    def _send(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def _spawn(self) -> None:
        with self.log_file.open("ab") as log:
            self._began = log.tell()
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.PIPE if self.is_told else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.starts += 1

    def _reap(self) -> None:
        """Forget a process that has ended; note it where it should not have, or not so."""
        if self.process is None or self.process.poll() is None:
            return
        code, was_ready = self.process.returncode, b"\nready" in b"\n" + self.log
        if self._ending_since_s is not None:
            if code not in (0, -signal.SIGKILL) and was_ready and not self.may_exit:
                self.broke.append(f"{self.name}, told to end, ended with {code}")
        elif was_ready and code != -signal.SIGKILL and not self.may_exit:
            self.broke.append(f"{self.name} ended by itself with {code}")
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        self.process, self._ending_since_s = None, None
        self._start_at_s = time.monotonic() + STARTED_AGAIN_S


class Disk:
    """A small disk of its own, seen by those who are started `on` it; emptied and gone at the end."""

    def __init__(self, keeper: subprocess.Popen[bytes], folder: Path) -> None:
        self._keeper = keeper
        self.folder = folder
        self.seen = Path(f"/proc/{keeper.pid}/root{folder}")  # as we see it from outside

    def on(self, *, user: dict[str, int]) -> list[str]:
        """What starts a command there, as that user."""
        as_user = [f"--setuid={user['user']}", f"--setgid={user['group']}"] if user else []
        mine = [] if os.geteuid() == 0 else [f"--user=/proc/{self._keeper.pid}/ns/user", "--preserve-credentials"]
        return ["nsenter", f"--mount=/proc/{self._keeper.pid}/ns/mnt", *mine, *as_user, "--"]

    def fill(self) -> None:
        """To its last byte."""
        with (self.seen / "ballast").open("wb", buffering=0) as out:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while True:
                        out.write(b"\0" * size)

    def empty(self) -> None:
        """Make room again."""
        (self.seen / "ballast").unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Disk]:
    """A tmpfs of that size, mounted on an existing folder where only those who are started on it see it."""
    # a namespace of one's own is allowed to others than root, too, who keep their name there
    apart = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--keep-caps", "--mount"]
    mount = 'mount -t tmpfs -o size="$1"m,mode=755 disk "$0" && echo mounted && exec sleep infinity'
    command = [*apart, "sh", "-c", mount, str(folder), str(mib)]
    keeper = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"mounted\n", "no disk could be mounted"
        yield Disk(keeper, folder)
    finally:
        keeper.kill()
        keeper.wait()
        assert keeper.stdout is not None
        keeper.stdout.close()
