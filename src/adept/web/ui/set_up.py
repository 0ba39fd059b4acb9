"""/settings/dep-accounts/new: an account from its name to its first devices, and later the renewal of its token.

Where somebody is follows from what is stored: whoever comes back goes on there.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from adept.accounts import registry
from adept.accounts.exchange import certificate, upload_token
from adept.accounts.switch import OtherServer
from adept.errors import AdeptError, Conflict
from adept.jobs.requests import request_pass
from adept.records.accounts import AccountDetails, account_details, account_list
from adept.records.audit import AuditQuery, AuditRecord, audit_list
from adept.records.device_lists import device_page
from adept.records.device_query import DeviceQuery
from adept.store.device_pages import SortKey
from adept.store.inventory import ListedDevice
from adept.sync.outcome import PassKind
from adept.web.base_urls import default_base_url
from adept.web.ui.dep_accounts import HERE
from adept.web.ui.live import live
from adept.web.ui.rendering import Visit
from adept.web.ui.troubles import Trouble, trouble_of, wrong
from adept.web.ui.visits import AdminVisit
from adept.web.uploads import FILE, FORM, files_of

router = APIRouter(include_in_schema=False)

PATH = f"{HERE}/new"
NEWEST = 10  # devices that are shown as they come
CHOOSE = "choose the file that Apple's portal gave you, or drop it here"
TOO_LARGE = "this file is far too large for a server token: Apple's have some kilobytes"

AccountName = Annotated[str, Query()]


@router.get(PATH)
async def look(
    visit: AdminVisit, account: str = "", name: str = "", renew: bool = False, started: bool = False
) -> Response:
    """The next step; `name` fills in the form for a name, `renew` begins a renewal, `started` says that it syncs."""
    return await _show(visit, account, renew=renew, started=started, typed={"name": name})


@router.post(PATH)
async def begin(visit: AdminVisit, name: Annotated[str, Form()] = "") -> Response:
    """Make the account. Sent again, or for one that is waiting for its token, it goes on there."""
    service = visit.service
    try:
        account, _ = await registry.add(
            service.store,
            name,
            base_url=default_base_url(service.settings),
            connect=service.connect,
            by=visit.caller.actor,
            now=service.now,
        )
    except AdeptError as error:
        if isinstance(error, Conflict) and not (waiting := await account_details(service.store, name)).tokens:
            return _go(visit, waiting.name)
        return await _show(visit, "", trouble=trouble_of(error, at="name"), typed={"name": name})
    return _go(visit, account.name)


@router.get(f"{PATH}/certificate")
async def download(visit: AdminVisit, account: AccountName) -> Response:
    """The certificate for Apple's portal, as a file. It is made when first asked for."""
    pem = await certificate(visit.service.store, account, by=visit.caller.actor, now=visit.service.now)
    file = f'attachment; filename="adept-{account.strip().lower()}.pem"'
    return Response(pem, media_type="application/x-pem-file", headers={"Content-Disposition": file})


@router.post(f"{PATH}/token")
async def upload(visit: AdminVisit, request: Request, account: AccountName, renew: bool = False) -> Response:
    """Take the token that Apple's portal gave. Until it is accepted, the one before works."""
    service = visit.service
    try:
        form = await _form(request)
        if not form.get(FILE):
            return await _show(visit, account, renew=renew, trouble=wrong(file=CHOOSE))
        outcome = await upload_token(
            service.store,
            account,
            form[FILE],
            key=form.get("key") or None,
            replace_server=form.get("replace_server") == b"yes",
            connect=service.connect,
            by=visit.caller.actor,
            now=service.now,
        )
    except HTTPException as error:
        if error.status_code != 413:
            raise
        return await _show(visit, account, renew=renew, trouble=wrong(file=TOO_LARGE))
    except OtherServer as error:
        told = f"{error.message}; upload it to the account that it belongs to, or take the other server below"
        return await _show(visit, account, renew=renew, trouble=wrong(file=told))
    except AdeptError as error:
        return await _show(visit, account, renew=renew, trouble=trouble_of(error, at=FILE))
    if not outcome.is_active:
        return _go(visit, outcome.account_name)
    return _go(visit, outcome.account_name, done="token_renewed" if renew else "token_taken")


@router.post(f"{PATH}/start")
async def start(visit: AdminVisit, account: AccountName) -> Response:
    """Sync now, and watch it."""
    service = visit.service
    try:
        await request_pass(service.store, account, PassKind.SYNC, by=visit.caller.actor, now=service.now)
    except AdeptError as error:
        return await _show(visit, account, trouble=trouble_of(error))
    service.wake()
    return _go(visit, account, started="true")


@router.get("/live/set-up")
async def follow(visit: AdminVisit, account: AccountName, started: bool = False, renewed: bool = False) -> Response:
    """How the token and the first sync are doing, whenever that changes."""

    async def render() -> str:
        found = await account_details(visit.service.store, account)
        newest = await _newest(visit, found)
        return visit.part("set_up_live.html", account=found, newest=newest, started=started, renewed=renewed)

    return live(render)


async def _form(request: Request) -> dict[str, bytes]:
    """The fields of the form; none where it came without its files, as it does after a login."""
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        return {}
    return await files_of(request)


async def _show(
    visit: Visit,
    name: str,
    *,
    renew: bool = False,
    started: bool = False,
    trouble: Trouble | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    values: dict[str, Any] = {"renew": renew, "started": started, "trouble": trouble, "typed": typed or {}}
    if not name:
        begun = [account for account in await account_list(visit.service.store) if account.token_expires_at is None]
        return visit.show("set_up.html", here=HERE, account=None, step=1, begun=begun, **values)
    account = await account_details(visit.service.store, name)
    values["renewed"] = visit.request.query_params.get("done") == "token_renewed"
    return visit.show(
        "renew.html" if renew and account.token_expires_at is not None else "set_up.html",
        here=HERE,
        account=account,
        step=step_of(account),
        switched=await _switched(visit, account),
        newest=await _newest(visit, account),
        **values,
    )


def step_of(account: AccountDetails) -> int:
    """Where the set-up of an account stands: 2 download, 3 Apple's portal (and the upload), 5 syncing. Pure."""
    if any(token.state != "retired" for token in account.tokens):
        return 5
    return 3 if account.keypairs else 2


async def _newest(visit: Visit, account: AccountDetails) -> list[ListedDevice]:
    """The devices that came last, while there is a token for them."""
    if account.token_expires_at is None:
        return []
    query = DeviceQuery(account=account.name)
    found = await device_page(visit.service.store, query, sort=SortKey.FIRST_SEEN_AT, descending=True, limit=NEWEST)
    return found.items


async def _switched(visit: Visit, account: AccountDetails) -> AuditRecord | None:
    """What the last upload changed, right after it."""
    if visit.request.query_params.get("done") not in ("token_taken", "token_renewed"):
        return None
    query = AuditQuery(subject=account.name, act="account.token_taken")
    found = (await audit_list(visit.service.store, query, limit=1)).items
    return found[0] if found and found[0].before else None


def path_of(account: str, **query: str) -> str:
    """The page's address for an account."""
    return f"{PATH}?{urlencode({'account': account, **query})}"


def _go(visit: Visit, account: str, **query: str) -> Response:
    return visit.go(PATH, account=account, **query)
