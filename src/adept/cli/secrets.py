"""`adept secrets`: the keys that seal what is secret in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, counted, print_document
from adept.cli.progress import counting
from adept.cli.storage import person
from adept.errors import Misuse, NeedsPerson

if TYPE_CHECKING:
    from adept.settings import Settings
    from adept.store.database import Store
    from adept.store.rotation import Rotated

app = App(
    name="secrets",
    help="Look after the keys that seal what is secret in the database.",
    help_epilogue="Example: adept secrets rotate",
)


@app.command(help_epilogue="Example: adept secrets rotate --drop-old")
def rotate(
    *,
    drop_old: Annotated[bool, Parameter(help="Then take the old keys out of the key file secret.key.")] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Seal every secret with a new key, while other processes run. Interrupted, it is simply run again.

    The new key is the first one of ADEPT_SECRET_KEYS_FILE or ADEPT_SECRET_KEYS, with the old one behind it; where the
    key file secret.key is used, it is made and put there. Backups made before need the old key: keep a copy.
    """
    rotated, dropped = run_async(_rotate(drop_old=drop_old))
    if output.json:
        told = {"resealed": rotated.resealed, "unopened": rotated.unopened, "dropped_keys": dropped}
        print_document(told)
    else:
        print(f"Sealed {counted(rotated.resealed, 'secret')} with the new key.")
        if not rotated.unopened:
            print(_what_is_left(dropped))
    if rotated.unopened:
        raise NeedsPerson(
            f"no key given opens {counted(len(rotated.unopened), 'secret')}: {', '.join(rotated.unopened[:10])}",
            way_out="give the key they were sealed with as well, and run it again; drop none before",
        )


def _what_is_left(dropped: int) -> str:
    kept = "Backups made before need the old key: keep a copy of it as long as you keep them."
    if dropped:
        return f"Took {counted(dropped, 'old key')} out of the key file. {kept}"
    return f"Nothing is sealed with an old key any more: it can be dropped (adept secrets rotate --drop-old). {kept}"


async def _rotate(*, drop_old: bool) -> tuple[Rotated, int]:
    from adept.settings import load_settings
    from adept.store.database import open_store
    from adept.store.rotation import rotate

    settings = load_settings()
    _refuse_what_is_not_ours(settings, drop_old=drop_old)
    async with open_store(
        settings.where_to_store(), secret_keys=settings.sealing_keys, data_dir=settings.data_dir, migrate=False
    ) as store:
        await _make_ready(store, settings)
        with counting("Sealing", unit="secrets") as reached:
            rotated = await rotate(store, by=person(), now=store.now, on_resealed=reached)
        return rotated, await _drop(store, settings) if drop_old and not rotated.unopened else 0


def _refuse_what_is_not_ours(settings: Settings, *, drop_old: bool) -> None:
    """Keys that are given stand in files and variables of the operator's, which they change themselves."""
    given = settings.sealing_keys()
    if given is None:
        return
    if len(given) == 1:
        raise Misuse(
            "there is one sealing key, and nothing to rotate to",
            way_out="put a new key before it (openssl rand -base64 32 | tr '+/' '-_'), and leave the old one behind it",
        )
    if drop_old:
        raise Misuse(
            "the sealing keys are given by a setting, where adept changes nothing",
            way_out="rotate without --drop-old, then remove the old key there",
        )


async def _make_ready(store: Store, settings: Settings) -> None:
    """A new key in the key file, where that is what counts; not if an earlier rotation left its old one there."""
    from adept.store.key_file import key_file_of, put_new_key

    key_file = key_file_of(store.place, settings.data_dir)
    if settings.sealing_keys() is not None or key_file is None:
        return
    async with store.writing(durable=True):
        put_new_key(store.place, key_file)
    store.sealer.read_again()


async def _drop(store: Store, settings: Settings) -> int:
    from adept.store.key_file import drop_old_keys, key_file_of

    key_file = key_file_of(store.place, settings.data_dir)
    assert key_file is not None, "keys that are given were refused"
    async with store.writing(durable=True):
        return drop_old_keys(store.place, key_file)
