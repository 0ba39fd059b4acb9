"""Accounts: one for each MDM server of Apple's portal. What belongs to one is in the modules beside."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Path, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from adept.accounts import registry
from adept.accounts.edits import INTERVALS_S, PAGE_SIZES, settings_of, what_changes
from adept.errors import Conflict, Misuse
from adept.protocol.server_token import ServerToken
from adept.records.accounts import AccountDetails, AccountRecord, account_details, account_list
from adept.records.lists import ItemList
from adept.store.accounts import StoredAccount, find_account
from adept.web.access import AdminDep, Caller, OperatorDep, ViewerDep
from adept.web.base_urls import default_base_url, wanted_base_url
from adept.web.etags import etag, precondition_required, version_in
from adept.web.problems import responses
from adept.web.routes import API_PREFIX
from adept.web.service import Service, ServiceDep

router = APIRouter(tags=["accounts"])

AccountName = Annotated[str, Path(description="The account's name, in any case.", examples=["hq"])]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of what was looked at; needed if anything changes.")
]

_TAG = {"ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}}}
_SHOWN: dict[int | str, dict[str, Any]] = {200: {"headers": _TAG}}
_ADDED: dict[int | str, dict[str, Any]] = {
    201: {"headers": _TAG | {"Location": {"description": "The account.", "schema": {"type": "string"}}}}
}
_MADE: dict[int | str, dict[str, Any]] = {
    201: {"model": AccountDetails, "description": "There was none of that name: it was made.", **_ADDED[201]}
}


class AccountSettings(BaseModel):
    """What people set of an account. What is left out stays as it is; a new account has the default."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"interval_s": 900}]})

    base_url: str | None = Field(
        default=None, max_length=2000, description="The service's base URL; null for the one this service is set to."
    )
    interval_s: int = Field(default=1800, ge=INTERVALS_S[0], le=INTERVALS_S[-1], description="Seconds between syncs.")
    page_size: int | None = Field(
        default=None,
        ge=PAGE_SIZES[0],
        le=PAGE_SIZES[-1],
        description="Devices to ask for at a time; null for as many as Apple gives.",
    )


class NewAccount(AccountSettings):
    """An account to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "hq"}]})

    name: str = Field(
        max_length=200, description="Up to 64 of a-z, 0-9, dot, underscore and hyphen; not changed later."
    )
    token: dict[str, Any] | None = Field(
        default=None, description="A server token that is decrypted already: Apple's five keys. Never shown again."
    )


class Removal(BaseModel):
    """What was removed with an account."""

    account: str
    devices: int = Field(description="Devices it had; their changes are kept.")


@router.get("/accounts", responses=responses())
async def list_accounts(service: ServiceDep, _caller: ViewerDep) -> ItemList[AccountRecord]:
    """List every account, by name, with how it is."""
    return ItemList(items=await account_list(service.store))


@router.post("/accounts", status_code=status.HTTP_201_CREATED, responses=responses(409, 413, 502, 504) | _ADDED)
async def add_account(new: NewAccount, response: Response, service: ServiceDep, caller: AdminDep) -> AccountDetails:
    """Add an account.

    With a token that Apple doesn't accept, none is added. Without one, next: get the certificate, give it to Apple's
    portal, and upload the token that the portal gives.
    """
    return await _add(service, caller, response, new.name, new, token=new.token)


@router.get("/accounts/{name}", responses=responses(404) | _SHOWN)
async def show_account(
    name: AccountName, response: Response, service: ServiceDep, _caller: ViewerDep
) -> AccountDetails:
    """Show one account: how it is, what to do about it, its tokens and keypairs without their secrets."""
    return _tagged(response, await account_details(service.store, name))


@router.put("/accounts/{name}", responses=responses(404, 409, 413, 428) | _SHOWN | _MADE)
async def put_account(
    name: AccountName,
    settings: AccountSettings,
    response: Response,
    service: ServiceDep,
    caller: AdminDep,
    if_match: IfMatch = None,
) -> AccountDetails:
    """Change what people set of an account, or make it where there is none of that name.

    Sending the same again changes nothing. A change needs the ETag of the account that was looked at: 409 with the
    account as it is where somebody else changed it meanwhile. It takes effect at once.
    """
    version = version_in(if_match)
    async with service.store.reading() as tx:
        existing = await find_account(tx, name)
    if existing is None and version is None:
        response.status_code = status.HTTP_201_CREATED
        return await _add(service, caller, response, name, settings)
    if existing is not None:
        await _change(service, caller, existing, settings, version)
    return _tagged(response, await account_details(service.store, name))


@router.delete("/accounts/{name}", responses=responses(404))
async def remove_account(
    name: AccountName,
    service: ServiceDep,
    caller: AdminDep,
    confirm: Annotated[str, Query(description="The account's name once more.", examples=["hq"])],
) -> Removal:
    """Remove an account with its devices and tokens. Nothing changes at Apple; keypairs and changes are kept."""
    if confirm.strip().lower() != name.strip().lower():
        raise Misuse(
            f"removing account {name!r} was not confirmed",
            way_out="add ?confirm= and the account's name",
            field="confirm",
        )
    devices = await registry.remove(service.store, name, by=caller.actor, now=service.now)
    return Removal(account=name.strip().lower(), devices=devices)


@router.put("/accounts/{name}/pause", responses=responses(404) | _SHOWN)
async def pause_account(
    name: AccountName, response: Response, service: ServiceDep, caller: OperatorDep
) -> AccountDetails:
    """Walk the account no more until it is resumed. A pass in progress goes to its end."""
    await registry.pause(service.store, name, by=caller.actor, now=service.now)
    return _tagged(response, await account_details(service.store, name))


@router.delete("/accounts/{name}/pause", responses=responses(404) | _SHOWN)
async def resume_account(
    name: AccountName, response: Response, service: ServiceDep, caller: OperatorDep
) -> AccountDetails:
    """Walk the account again, from now on."""
    await registry.resume(service.store, name, by=caller.actor, now=service.now)
    service.wake()
    return _tagged(response, await account_details(service.store, name))


async def _add(
    service: Service,
    caller: Caller,
    response: Response,
    name: str,
    settings: AccountSettings,
    *,
    token: dict[str, Any] | None = None,
) -> AccountDetails:
    given = await _given(service, settings)
    account, _ = await registry.add(
        service.store,
        name,
        **({"base_url": default_base_url(service.settings)} | given),
        token=ServerToken.from_json(msgspec.json.encode(token)) if token is not None else None,
        connect=service.connect,
        by=caller.actor,
        now=service.now,
    )
    service.wake()
    response.headers["Location"] = f"{API_PREFIX}/accounts/{account.name}"
    return _tagged(response, await account_details(service.store, account.name))


async def _change(
    service: Service, caller: Caller, existing: StoredAccount, settings: AccountSettings, version: int | None
) -> None:
    given = await _given(service, settings, existing)
    if version is None and what_changes(existing, settings_of(**given)):
        raise precondition_required(f"account {existing.name!r}")
    try:
        await registry.change(
            service.store,
            existing.name,
            **given,
            version=existing.version if version is None else version,
            by=caller.actor,
            now=service.now,
        )
    except Conflict as error:
        current = await account_details(service.store, existing.name)
        raise Conflict(error.message, way_out=error.way_out, current=current) from error
    service.wake()


async def _given(service: Service, settings: AccountSettings, existing: StoredAccount | None = None) -> dict[str, Any]:
    """The settings that the request names, the base URL checked."""
    given = {key: getattr(settings, key) for key in AccountSettings.model_fields if key in settings.model_fields_set}
    if "base_url" in given:
        current = existing.base_url if existing is not None else None
        wanted = given["base_url"] or default_base_url(service.settings)
        given["base_url"] = await wanted_base_url(service, wanted, current=current)
    return given


def _tagged(response: Response, account: AccountDetails) -> AccountDetails:
    response.headers["ETag"] = etag(account.version)
    return account
