"""Commandment's two doors: a certificate out, an encrypted server token in, for the scripts that people have.

They answer as Commandment did, also where the API answers otherwise: what is wrong with a request is always a 400, and
the token comes back in the clear. That is the only answer of the service that holds secrets: it is given only for a
token that this very request brought, and only to who may read secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from adept.accounts import registry
from adept.accounts.exchange import certificate, upload_token
from adept.errors import AdeptError, ConfigError, Conflict, Denied, Misuse, NotFound, StoreError
from adept.store.accounts import count_accounts, find_account
from adept.web.access import AdminDep, Caller, NotKnown
from adept.web.base_urls import default_base_url
from adept.web.problems import problem_of, responses
from adept.web.service import Service, ServiceDep
from adept.web.uploads import UPLOAD_FORM, files_of

ACCOUNT = "dep"
COMMON_NAME = "COMMANDMENT-DEP"
FILE_NAME = "commandment-dep.cer"
MEDIA_TYPE = "application/x-x509-ca-cert"

_CURL = {"download": f"-o {FILE_NAME}", "upload": "-F file=@TOKEN.p7m"}


class DoorRoute(APIRoute):
    """A route whose refusals are 400, and which tells a caller without a key how to call it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, its errors told as Commandment told them."""
        handle = super().get_route_handler()

        async def opened(request: Request) -> Response:
            try:
                return await handle(request)
            except NotKnown as error:
                error.way_out = _working_line(request)
                raise
            except (Denied, StoreError, ConfigError):
                raise
            except AdeptError as error:
                return replace(problem_of(error), status=400).response()
            except RequestValidationError as error:
                wrong = "; ".join(f"{found['loc'][-1]}: {found['msg']}" for found in error.errors())
                return replace(problem_of(Misuse(wrong)), status=400).response()

        return opened


router = APIRouter(tags=["doors"], route_class=DoorRoute)

AccountParameter = Annotated[str, Query(description="Another account than the doors' own.", examples=["hq"])]


@router.get(
    "/dep/certificate/download",
    response_class=Response,
    responses=responses()
    | {200: {"description": "The certificate, PEM.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def download_certificate(service: ServiceDep, caller: AdminDep, account: AccountParameter = ACCOUNT) -> Response:
    """Get the certificate to upload to Apple's portal. Where there is no account at all yet, it makes one: `dep`."""
    await _made_if_empty(service, caller)
    await _must_be_there(service, account)
    pem = await certificate(service.store, account, common_name=COMMON_NAME, by=caller.actor, now=service.now)
    headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
    return Response(pem, media_type=MEDIA_TYPE, headers=headers)


@router.post(
    "/dep/stoken/upload",
    response_class=Response,
    responses=responses(413)
    | {
        200: {
            "description": "The token's five keys, as Apple spelled them.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
    openapi_extra=UPLOAD_FORM,
)
async def upload_server_token(
    request: Request, service: ServiceDep, caller: AdminDep, account: AccountParameter = ACCOUNT
) -> Response:
    """Take the token that Apple's portal gave (form field `file`), and answer what is in it. A sync follows at once.

    Only for a token that Apple accepted, or that is kept until Apple can be asked about it; and only with a key that
    may read secrets. Afterwards the account is synced.
    """
    if not caller.may_read_secrets:
        raise Denied(
            "the answer would hold the token's secrets, and this key may not read them; nothing was done",
            code="secrets_denied",
            way_out="make a key with: adept keys create NAME --role admin --may-read-secrets",
        )
    await _must_be_there(service, account)
    data = (await files_of(request))["file"]
    outcome = await upload_token(
        service.store, account, data, connect=service.connect, by=caller.actor, now=service.now
    )
    service.wake()
    return Response(outcome.token.to_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


async def _made_if_empty(service: Service, caller: Caller) -> None:
    async with service.store.reading() as tx:
        if await count_accounts(tx):
            return
    try:
        await registry.add(
            service.store,
            ACCOUNT,
            base_url=default_base_url(service.settings),
            connect=service.connect,
            by=caller.actor,
            now=service.now,
        )
    except Conflict:
        return  # somebody else knocked at the same moment


async def _must_be_there(service: Service, account: str) -> None:
    """NotFound that says how to name an account, for callers who never heard of accounts."""
    async with service.store.reading() as tx:
        if await find_account(tx, account) is not None:
            return
        if await count_accounts(tx) == 0:
            raise NotFound("there is no account yet", way_out="get the certificate first: /dep/certificate/download")
    raise NotFound(f"there is no account {account!r}", way_out="name one of GET /api/v1/accounts with ?account=NAME")


def _working_line(request: Request) -> str:
    option = _CURL[request.url.path.rpartition("/")[2]]
    return f"curl -u adept:KEY {option} '{request.url}' (make a key with: adept keys create NAME --role admin)"
