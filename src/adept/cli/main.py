"""The command `adept`: runs what the arguments name, prints errors in one form, and returns the exit code.

Imports nothing heavy: what a command needs, the command imports. `--version` doesn't even build the command tree.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence

from adept.cli.failures import DONE, describe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (`sys.argv` unless given) and return the exit code; errors go to standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = words[: words.index("--") if "--" in words else len(words)]
    debug = "--debug" in options
    if debug:
        words.remove("--debug")
    _print_what_the_terminal_cant()
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_standard_output()
        return DONE  # whoever reads us has read enough
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001  # the edge: every error is told, none is a traceback
        _flush_or_forget()
        return _tell(error, as_json="--json" in options, debug=debug)
    return code


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        from adept import __version__

        print(__version__)
        return DONE
    from adept.cli.app import run

    return run(words)


def _tell(error: BaseException, *, as_json: bool, debug: bool) -> int:
    failure = describe(error)
    if debug or (failure.is_ours and _debug_is_set()):
        traceback.print_exception(error, file=sys.stderr)
    print(failure.as_json() if as_json else failure.as_text(), file=sys.stderr)
    return failure.exit_code


def _debug_is_set() -> bool:
    try:
        from adept.settings import wants_debug
    except ImportError:  # the extra that reads settings is not installed
        return False
    return wants_debug()


def _print_what_the_terminal_cant() -> None:
    """Show characters that the output's encoding lacks as codes, rather than stop at them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush_or_forget() -> None:
    """Print what is still to be printed before the error is told; where that is what fails, drop it."""
    try:
        sys.stdout.flush()
    except OSError:
        _forget_standard_output()


def _forget_standard_output() -> None:
    """Keep the interpreter from flushing into a closed pipe or a full disk once more when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):  # standard output is no file, as under a test
        pass
    finally:
        os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
