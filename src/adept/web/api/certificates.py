"""The certificate of an account, which Apple's portal encrypts its server token to."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from adept.accounts.exchange import certificate
from adept.web.access import AdminDep
from adept.web.api.accounts import AccountName
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(tags=["accounts"])

MEDIA_TYPE = "application/x-pem-file"

_PEM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The certificate, PEM.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": "-----BEGIN CERTIFICATE-----\nMIID…"}},
    }
}


@router.get("/accounts/{name}/certificate", response_class=Response, responses=responses(404) | _PEM)
async def download_certificate(name: AccountName, service: ServiceDep, caller: AdminDep) -> Response:
    """Get the certificate to upload to Apple's portal. It is made when first asked for.

    The same one until a token for it was accepted; then the next one, for the renewal.
    """
    pem = await certificate(service.store, name, by=caller.actor, now=service.now)
    file = f'attachment; filename="adept-{name.strip().lower()}.pem"'
    return Response(pem, media_type=MEDIA_TYPE, headers={"Content-Disposition": file})
