"""PyJWT and openssl accept the web tokens we make for Managed Apple Accounts."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import jwt
import pytest

from adept.protocol.keypair import load_certificate, rsa_public_key
from adept.protocol.maid_jwt import maid_jwt
from tests.tokens import NOW, keypair, other_keypair, private_key

SERVER = "677cab70-fe18-48b8-a3fa-5d5c2fa4fd71"
TOKEN = maid_jwt(private_key(), server_uuid=SERVER, now=NOW, jti="1f0f6a4e-7c3a-4f3e-9d3c-0c6f4d3b2a11")


def test_pyjwt_verifies_the_token_with_the_certificate_apple_was_given() -> None:
    public_key = rsa_public_key(load_certificate(keypair().certificate_pem))
    claims = jwt.decode(TOKEN, public_key, algorithms=["RS256"], options={"verify_iat": False})  # the tests' own time
    assert claims == {
        "iss": SERVER,
        "iat": int(NOW.timestamp()),
        "jti": "1f0f6a4e-7c3a-4f3e-9d3c-0c6f4d3b2a11",
        "service_type": "com.apple.maid",
    }


def test_pyjwt_refuses_the_token_with_another_certificate() -> None:
    public_key = rsa_public_key(load_certificate(other_keypair().certificate_pem))
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(TOKEN, public_key, algorithms=["RS256"])


def test_openssl_verifies_the_signature(tmp_path: Path) -> None:
    signed, _, signature = TOKEN.rpartition(".")
    (tmp_path / "signed").write_text(signed)
    (tmp_path / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
    (tmp_path / "cert.pem").write_bytes(keypair().certificate_pem)
    public = subprocess.run(
        ["openssl", "x509", "-in", "cert.pem", "-noout", "-pubkey"], cwd=tmp_path, capture_output=True, check=True
    )
    (tmp_path / "public.pem").write_bytes(public.stdout)
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "signed"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip() == b"Verified OK"
