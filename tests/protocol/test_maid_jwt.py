"""The web token for Managed Apple Accounts."""

from __future__ import annotations

import base64
import json

import pytest

from adept.errors import TokenFileError
from adept.protocol.maid_jwt import maid_jwt
from tests.tokens import NOW, keypair, private_key

SERVER = "677CAB70FE1848B8A3FA5D5C2FA4FD71"
JTI = "f3ddc13e-5cbd-4d1b-8f8b-0a3a3b6ff5b0"


def test_the_token_has_apples_four_claims_and_nothing_else() -> None:
    header, claims, _signature = maid_jwt(private_key(), server_uuid=SERVER, now=NOW, jti=JTI).split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "RS256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(claims + "==")) == {
        "iss": SERVER,
        "iat": int(NOW.timestamp()),
        "jti": JTI,
        "service_type": "com.apple.maid",
    }


def test_a_key_in_pem_signs_the_same_as_a_key_object() -> None:
    assert maid_jwt(keypair().private_key_pem, server_uuid=SERVER, now=NOW, jti=JTI) == maid_jwt(
        private_key(), server_uuid=SERVER, now=NOW, jti=JTI
    )


def test_a_key_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(TokenFileError, match="a certificate"):
        maid_jwt(keypair().certificate_pem, server_uuid=SERVER, now=NOW, jti=JTI)
