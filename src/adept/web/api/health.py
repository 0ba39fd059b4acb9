"""How everything is, in one answer."""

from __future__ import annotations

from fastapi import APIRouter

from adept.records.accounts import account_list
from adept.records.health import HealthRecord, health_record
from adept.web.access import ViewerDep
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(tags=["health"])


@router.get("/health", responses=responses())
async def show_health(service: ServiceDep, _caller: ViewerDep) -> HealthRecord:
    """Show whether every account is all right, and what to do about those that are not."""
    return health_record(await account_list(service.store))
