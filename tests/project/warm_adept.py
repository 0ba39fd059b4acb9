"""adept, imported once and forked for every command: what the examples type costs no start-up each time.

Run as `python tests/project/warm_adept.py SOCKET`; prints `ready`, and ends when its standard input does. A command
has its own process, arguments, environment, folder and files, as anywhere else; only the imports are there already.
`client_for` gives the program that examples find as `adept`: it hands all that over, passes signals on, and ends as the
command does.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

# What commands import themselves, when they need it.
_HEAVY = (
    "adept.cli.app",
    "adept.cli.local_desk",
    "adept.cli.local_sync",
    "adept.simulator.running",
    "adept.web.server",
)

_CLIENT = """#!{python} -IS
import json, os, signal, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({socket!r})
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(line, [len(asked).to_bytes(4, "big")], [0, 1, 2])
line.sendall(asked)
answers = line.makefile("rb")
command = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: os.kill(command, number))
sys.exit(int(answers.readline() or 1))
"""


def client_for(path: Path) -> str:
    """The text of the program `adept` that speaks to the server at this socket."""
    return _CLIENT.format(python=sys.executable, socket=str(path))


def main() -> None:
    """Import, listen, fork."""
    for name in _HEAVY:
        importlib.import_module(name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(16)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a command here
        print("ready", flush=True)
        while listener in (heard := select.select([listener, sys.stdin], [], [])[0]):
            line, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                os._exit(_run(line))
            line.close()
        assert sys.stdin in heard


def _run(line: socket.socket) -> int:
    """In a process of its own: become the command, run it, and tell how it ended."""
    from adept.cli.main import main as adept

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(line, 4, 3)
    with line.makefile("rb") as asked:
        words, folder, environment = json.loads(asked.read(int.from_bytes(size, "big")))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = words
    line.sendall(b"%d\n" % os.getpid())
    try:
        code = adept()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    line.sendall(b"%d\n" % code)
    return code


if __name__ == "__main__":
    main()
