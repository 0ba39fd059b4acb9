"""/healthz (the process lives) and /readyz (it can work: database, schema, sealing keys). No key needed, no data told."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["service"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process answers at all."""
    return {"status": "alive"}
