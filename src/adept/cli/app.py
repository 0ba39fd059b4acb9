"""The tree of commands, and how cyclopts is asked to run it.

A group of commands is a module of its own and is imported when one of its commands is named.
"""

from __future__ import annotations

import logging

from cyclopts import App, CycloptsError, Parameter

from adept import __version__
from adept.cli.failures import DONE
from adept.errors import Misuse

# Command or group of commands: the module that has it, and what it is for.
_GROUPS = {
    "apple": ("apple", "Ask Apple's service directly, with a server token."),
    "token": ("tokens", "Make keypairs, open server tokens, look into token and key files."),
    "bypass-code": ("bypass_code", "Make or convert an Activation Lock bypass code."),
    "accounts": ("accounts", "Keep accounts (one per MDM server of the portal) and follow their devices."),
    "devices": ("devices", "Look at the devices of all accounts."),
    "passes": ("passes", "Show the walks over accounts: when, how long, what they found."),
    "changes": ("changes", "Show what passes found new, oldest first."),
    "serve": ("serve", "Run the service: the API, and accounts synced in the background."),
    "worker": ("worker", "Look after accounts beside other workers, on PostgreSQL."),
    "users": ("users", "Look after the people who may log in to the service."),
    "keys": ("keys", "Make, list and revoke API keys."),
    "audit": ("audit", "Show who changed what, when and from where."),
    "db": ("database", "Look after the database."),
    "secrets": ("secrets", "Look after the keys that seal what is secret in the database."),
    "doctor": ("doctor", "Look whether everything around adept is all right, and say what to do."),
    "support-bundle": ("support_bundle", "Pack what a maintainer needs, with nothing secret or personal in it."),
    "simulator": ("simulator", "Run a simulated Apple: service and portal, on this machine."),
    "demo": ("demo", "Show adept's main job from end to end against a simulated Apple."),
}

app = App(
    name="adept",
    help="Talk to Apple's Device Enrollment Program, and keep what it says.",
    help_epilogue="Example: adept apple account --token token.json\n\n"
    "Every command explains itself with --help. --debug, anywhere, shows the traceback of an error.",
    version=__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
for _place, (_name, (_module, _help)) in enumerate(_GROUPS.items()):
    app.command(f"adept.cli.{_module}:app", name=_name, help=_help, sort_key=_place)


def run(words: list[str]) -> int:
    """Run the command that the words name; returns its exit code. Raises Misuse for words that can't be right."""
    logging.getLogger("adept").addHandler(logging.NullHandler())  # commands tell what there is to tell
    try:
        code = app(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        error.verbose = False
        told = str(error).strip().replace(", ...", " and more").rstrip(".")
        raise Misuse(told, way_out=f"see {_help_for(error)}") from error
    return code if isinstance(code, int) else DONE


def _help_for(error: CycloptsError) -> str:
    return " ".join(("adept", *(error.command_chain or ()), "--help"))
